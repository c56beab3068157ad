-- Resolve's names of colour spaces, and those of the OCIO config: spaces.json.

local load_part, here = ...
local errors, files = load_part("errors"), load_part("files")
local spaces = {}

local TABLE = files.read_json(here .. "spaces.json")

local function is_managed(mode) return mode:sub(1, 23) == "davinciYRGBColorManaged" end
local function is_aces(mode) return mode:sub(1, 4) == "aces" end
local function is_split(host) return host:setting("separateColorSpaceAndGamma") == "1" end

local function entry_of(space)
  for _, entry in ipairs(TABLE) do
    if entry.ocio == space then return entry end
  end
end

local function has(list, name)
  for _, one in ipairs(list) do
    if one == name then return true end
  end
  return false
end

local function named(name, gamma, what, settings)
  for _, entry in ipairs(TABLE) do
    if gamma ~= "" and name == entry.gamut and gamma == entry.gamma then return entry.ocio end
    if gamma == "" and (has(entry.combined, name) or has(entry.aces, name)) then return entry.ocio end
  end
  errors.fail("Resolve calls " .. what .. ' "' .. name .. (gamma ~= "" and ", " .. gamma or "")
    .. '", for which Faceplate has no name in OCIO: set "plate_space" in ' .. settings.path
    .. " to a space of the OCIO config, such as ACEScg.")
end

local function resolve(host, name, gamma, what, settings)
  if name == "Same as Timeline" then
    name, gamma = host:setting("colorSpaceTimeline"), host:setting("colorSpaceTimelineGamma")
  end
  return named(name, gamma, what, settings)
end

-- Returns the OCIO space of a clip's file; empty where only the file can say.
function spaces.clip_space(host, media, settings)
  if settings.plate_space ~= "" then return settings.plate_space end
  local mode = host:setting("colorScienceMode")
  if is_aces(mode) then
    local name = host:media_property(media, "IDT")
    if name == "" or name == "Project" then name = host:setting("colorAcesIDT") end
    return named(name, "", "the clip's input transform", settings)
  end
  if not is_managed(mode) then return "" end
  local name = host:media_property(media, "Input Color Space"):gsub("^Project %- ", "")
  local gamma = is_split(host) and host:media_property(media, "Input Gamma") or ""
  if name == "" or name == "Project" then
    name, gamma = host:setting("colorSpaceInput"), host:setting("colorSpaceInputGamma")
  end
  return resolve(host, name, gamma, "the clip's input colour space", settings)
end

-- Returns the OCIO space in which Resolve renders.
function spaces.render_space(host, settings)
  if settings.plate_space ~= "" then return settings.plate_space end
  local mode = host:setting("colorScienceMode")
  if is_aces(mode) then
    return named(host:setting("colorAcesODT"), "", "the project's output transform", settings)
  end
  local key = is_managed(mode) and "colorSpaceOutput" or "colorSpaceTimeline"
  return resolve(host, host:setting(key), host:setting(key .. "Gamma"),
    "the colour space that it renders in", settings)
end

-- Returns what a render in an OCIO space is tagged with.
function spaces.tags(space)
  local entry = entry_of(space)
  if not entry then return "Same as Project", "Same as Project" end
  return entry.gamut, entry.gamma
end

-- Returns properties of a clip and their values; empty where the table has none.
local function wanted(host, mode, entry)
  if not entry then return {} end
  if is_aces(mode) then
    return #entry.aces > 0 and { { "IDT", entry.aces[#entry.aces] } } or {}
  end
  if is_split(host) then
    return { { "Input Color Space", entry.gamut }, { "Input Gamma", entry.gamma } }
  end
  return #entry.combined > 0 and { { "Input Color Space", entry.combined[1] } } or {}
end

-- Tells Resolve which space a result is in, reads it back, and returns a sentence about it.
function spaces.returned(host, media, space)
  local mode, said = host:setting("colorScienceMode"), {}
  if not is_managed(mode) and not is_aces(mode) then
    return "The result has the colours of the plate; this project is not colour managed."
  end
  local properties = wanted(host, mode, entry_of(space))
  if #properties == 0 then
    return "Set the result's Input Color Space by hand: it is "
      .. (space ~= "" and space or "the plate’s own") .. "."
  end
  for _, one in ipairs(properties) do
    if not host:set_media_property(media, one[1], one[2]) then
      return "Resolve did not take " .. one[1] .. " = " .. one[2] .. " for the result: set it by hand."
    end
    said[#said + 1] = one[2]
  end
  return "Input Color Space of the result: " .. table.concat(said, ", ") .. "."
end

return spaces
