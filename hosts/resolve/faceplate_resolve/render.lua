-- The plate as a render of the timeline: EXR, half float, the clip's track alone.

local load_part = ...
local edition, errors, files = load_part("edition"), load_part("errors"), load_part("files")
local source, spaces = load_part("source"), load_part("spaces")
local render = {}

-- Lossless ones, in the order in which they are wanted.
local HALF_CODECS = { "RGBHalfZIP", "RGBHalfPIZ", "RGBHalf" }

-- Returns the id of a lossless half-float codec; Resolve takes no descriptions.
function render.pick_codec(codecs)
  local described = {}
  for _, wanted in ipairs(HALF_CODECS) do
    for _, id in pairs(codecs) do
      if id == wanted then return id end
    end
  end
  for description in pairs(codecs) do described[#described + 1] = description end
  table.sort(described)
  errors.fail("This Resolve renders no lossless EXR in half float; it has: "
    .. (#described > 0 and table.concat(described, ", ") or "no EXR at all"))
end

-- Returns pattern and first number of the frames in a folder, all there and none empty.
function render.rendered_files(folder, count)
  local numbers, names = {}, {}
  for _, name in ipairs(files.list(folder)) do
    local head, digits = name:match("^(.-)(%d+)%.exr$")
    if head then
      numbers[#numbers + 1] = tonumber(digits)
      names[tonumber(digits)] = { head, digits, name }
    end
  end
  table.sort(numbers)
  if #numbers ~= count then
    errors.fail("Resolve rendered " .. #numbers .. " of " .. count .. " frames into " .. folder
      .. ": is there room?")
  end
  if numbers[#numbers] - numbers[1] ~= count - 1 then
    errors.fail("Frames are missing between those rendered into " .. folder .. ".")
  end
  for _, number in ipairs(numbers) do
    if files.size(folder .. "/" .. names[number][3]) == 0 then
      errors.fail("Frame " .. number .. " rendered into " .. folder .. " is empty: is there room?")
    end
  end
  local first = names[numbers[1]]
  return folder .. "/" .. first[1] .. "%0" .. #first[2] .. "d.exr", numbers[1]
end

local function handles(host, shot, settings)
  if settings.handles == 0 or not source.is_whole_clip(shot) then return 0, 0 end
  local media = host:media(shot.item)
  if not media or shot.facts.comps > 0 or source.why_retimed(host, shot, media) then return 0, 0 end
  return math.min(settings.handles, shot.facts.left), math.min(settings.handles, shot.facts.right)
end

-- Whether Resolve counts frames from the file's number or from 0, and the last one or not, differs
-- from version to version, so what came of it is measured.
local function laid_out(host, shot, before, after)
  local facts, media = shot.facts, host:media(shot.item)
  local left = facts.left - before
  local length = facts["end"] - facts.start + before + after
  for _, start in ipairs({ source.first_number(host, media) + left, left }) do
    for last = start + length - 1, start + length do
      local name = "Faceplate " .. shot.name .. " " .. os.time() .. "-" .. start .. "-" .. last
      local kept, clip = host:lay_out(name, media, start, last)
      local laid = clip and host:item_facts(clip)
      if laid and laid["end"] - laid.start == length and laid.left == left then
        return kept, clip
      end
      host:drop_layout(kept)
    end
  end
  errors.fail('Resolve does not lay the clip out with handles: set "handles" to 0.')
end

local function copy_sizing(host, item, other)
  local sizing, is_now = host:sizing(item), host:sizing(other)
  for _, one in ipairs(source.SIZING) do
    local name = one[1]
    if sizing[name] ~= nil and sizing[name] ~= is_now[name] then
      host:set_sizing(other, name, sizing[name])
    end
  end
end

-- Runs `body` with all video tracks but one hidden; nil hides none.
local function soloed(host, track, body)
  local hidden = {}
  return errors.finally(function()
    for index = 1, host:tracks() do
      if track and index ~= track and host:track_enabled(index) then
        hidden[#hidden + 1] = index
        host:enable_track(index, false)
      end
    end
    return body()
  end, function()
    for _, index in ipairs(hidden) do host:enable_track(index, true) end
  end)
end

local function run(host, folder, first, last, space)
  files.make_folder(folder)
  host:choose_render("exr", render.pick_codec(host:codecs()), 1)
  local gamut, gamma = spaces.tags(space)
  local job = host:add_render({
    SelectAllFrames = false, MarkIn = first, MarkOut = last, TargetDir = folder,
    CustomName = "plate_", ExportVideo = true, ExportAudio = false,
    ColorSpaceTag = gamut, GammaTag = gamma,
  })
  errors.finally(function()
    host:start_render(job)
    while host:rendering() do files.sleep(0.5) end
    local status = host:render_status(job)
    if status.JobStatus ~= "Complete" then
      local why = status.Error ~= "" and status.Error or "it says no more"
      errors.fail("Resolve's render ended as " .. tostring(status.JobStatus) .. ": "
        .. tostring(why) .. ".")
    end
  end, function() host:drop_render(job) end)
end

local function run_shown(host, shot, folder, space, before, after)
  if before == 0 and after == 0 then
    return soloed(host, shot.facts and shot.facts.track, function()
      run(host, folder, shot.first, shot.last, space)
    end)
  end
  local kept, clip = laid_out(host, shot, before, after)
  errors.finally(function()
    copy_sizing(host, shot.item, clip)
    local facts = host:item_facts(clip)
    run(host, folder, facts.start, facts["end"] - 1, space)
  end, function() host:drop_layout(kept) end)
end

-- Renders the frames of a shot into an empty folder; everything in Resolve is as before.
function render.render(host, studio, shot, settings, folder, space, say)
  edition.check_render(studio, tonumber(host:timeline_setting("timelineResolutionWidth")) or 0,
    tonumber(host:timeline_setting("timelineResolutionHeight")) or 0)
  local before, after = handles(host, shot, settings)
  local page, choice = host:page(), host:render_choice()
  host:show_page("deliver")
  errors.finally(function()
    run_shown(host, shot, folder, space, before, after)
  end, function()
    for _, what in ipairs(host:put_back(choice, page)) do
      say("Resolve did not take back " .. what .. ": choose it again on the Deliver page.")
    end
  end)
  local count = shot.last - shot.first + 1 + before + after
  local pattern, number = render.rendered_files(folder, count)
  return {
    path = pattern, first = number + before, last = number + before + shot.last - shot.first,
    before = before, after = after, is_file = false, space = space,
  }
end

return render
