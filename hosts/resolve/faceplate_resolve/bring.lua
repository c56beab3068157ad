-- The result, brought into the project: a bin always, and a take, a clip above or a Fusion comp.
-- The source is never replaced.

local load_part = ...
local comp, errors, files = load_part("comp"), load_part("errors"), load_part("files")
local source, spaces = load_part("source"), load_part("spaces")
local bring = {}

-- Sees that every frame was written.
local function check_files(result)
  local first, last = source.numbers(result.plate)
  for number = first, last do
    local path = source.path(result, number)
    if (files.size(path) or 0) == 0 then
      errors.fail("Frame " .. number .. " of the result is missing: " .. path)
    end
  end
end

-- Returns how a result comes back, and why otherwise than wanted. A take and a comp lie below the
-- clip's sizing, speed and comps, which a render holds already.
function bring.way_back(wanted, shot, plate)
  if wanted ~= "take" and wanted ~= "fusion" then return wanted end
  if not plate.is_file then
    return "track", "the plate was rendered with what the clip does to its picture"
  end
  if not source.is_whole_clip(shot) then return "track", "the marks hold only a part of the clip" end
  return wanted
end

-- Returns the frames of the shot as the media counts them, without handles.
local function span(host, media, plate)
  local start = tonumber(host:media_property(media, "Start"):match("^-?%d+$"))
    or (source.numbers(plate))
  local first = start + plate.before
  return first, first + plate.last - plate.first
end

-- Returns the lowest track above the shot that is empty where the shot is.
local function free_track(host, shot)
  for track = (shot.facts and shot.facts.track or host:tracks()) + 1, host:tracks() do
    local free = true
    for _, one in ipairs(host:spans(track)) do
      if one[2] > shot.first and one[1] <= shot.last then free = false end
    end
    if free then return track end
  end
  return host:add_track()
end

-- Puts the result above the shot. Whether frames count from the file's number or from 0, and whether
-- the last one is counted, differs from version to version, so the clip that came of it is measured.
local function above(host, shot, media, plate)
  local length, track = shot.last - shot.first + 1, free_track(host, shot)
  for _, start in ipairs({ (span(host, media, plate)), plate.before }) do
    for last = start + length - 1, start + length do
      local item = host:place(media, start, last, track, shot.first)
      local facts = host:item_facts(item)
      if facts.start == shot.first and facts["end"] - facts.start == length
        and facts.left == plate.before then
        return "The result lies on video track " .. track .. ", above the shot."
      end
      host:remove(item)
    end
  end
  errors.fail("Resolve does not lay the result's frames where they belong: put it from its bin onto "
    .. "frame " .. shot.first .. " by hand.")
end

local function take(host, shot, media, plate)
  local first, last = span(host, media, plate)
  if not host:add_take(shot.item, media, first, last) then
    return "track", "Resolve made no take, as where it runs without a window."
  end
  local count = host:takes(shot.item)
  host:select_take(shot.item, count)
  return "take", "Take " .. count .. " of the clip is the result; take 1 is the plate."
end

-- Brings a result in and returns what was done, in sentences.
function bring.bring(host, shot, result, wanted)
  check_files(result)
  local way, why = bring.way_back(wanted, shot, result.plate)
  local said = why and { "A " .. wanted .. " is not possible, since " .. why .. "." } or {}
  local folder = host:open_bin({ "Faceplate", shot.name })
  local media = host:import_sequence(folder, result.pattern, source.numbers(result.plate))
  said[#said + 1] = "The result is in the bin Faceplate/" .. shot.name .. "."
  said[#said + 1] = spaces.returned(host, media, result.plate.space)
  if way == "take" then way, said[#said + 1] = take(host, shot, media, result.plate) end
  if way == "track" then
    said[#said + 1] = above(host, shot, media, result.plate)
  elseif way == "fusion" then
    local setting = comp.write_setting(result.pattern:gsub("%.exr$", ".setting"), result)
    for _, line in ipairs(comp.build(host, shot.item, result)) do said[#said + 1] = line end
    said[#said + 1] = "The same nodes to drag into Fusion: " .. setting
  end
  return said
end

return bring
