-- What the artist chose: a JSON file, another one for the project, and the environment.

local load_part, here = ...
local errors, files, json = load_part("errors"), load_part("files"), load_part("json")
local settings = {}

local function lay_over(values, path, names)
  local found = files.read_json(path)
  if type(found) ~= "table" then
    errors.fail(path .. " must hold a JSON object; correct it or delete it")
  end
  for name, value in pairs(found) do
    if not names[name] then
      local known = {}
      for one in pairs(names) do known[#known + 1] = one end
      table.sort(known)
      errors.fail(path .. " names a setting '" .. tostring(name) .. "' that there is not; there are: "
        .. table.concat(known, ", "))
    end
    values[name] = value
  end
end

local function of_text(entry, text)
  if entry.type == "text" or entry.type == "choice" then return text end
  local read, value = pcall(json.decode, text)
  if read then return value end
  return text -- of the wrong type, which the check says
end

-- Returns what a value should have been; nil where it is right.
local function wanted(entry, value)
  if entry.type == "choice" then
    for _, choice in ipairs(entry.choices) do
      if value == choice then return nil end
    end
    return "one of " .. table.concat(entry.choices, ", ")
  end
  if entry.type == "number" then
    if type(value) == "number" and value >= entry.least and value <= entry.most then return nil end
    return "a number from " .. entry.least .. " to " .. entry.most
  end
  local kinds = { text = { "string", "a text" }, switch = { "boolean", "true or false" },
    object = { "table", "an object" } }
  local kind = kinds[entry.type]
  if type(value) == kind[1] then return nil end
  return kind[2]
end

local function in_full(path, folder)
  path = path:gsub("^~", (files.user_folder():gsub("%%", "%%%%")))
  return files.is_full(path) and path or folder .. "/" .. path
end

local function with_paths(values, path, home)
  local folder = files.folder_of(path)
  values.path, values.home = path, home
  values.full = function(text) return in_full(text, folder) end
  values.work_folder = values.work ~= "" and values.full(values.work) or home .. "/resolve/shots"
  return values
end

-- Returns the settings of a project; writes a file of defaults at the first run.
function settings.load(project)
  local home = os.getenv("FACEPLATE_HOME") or files.user_folder() .. "/.faceplate"
  local named = os.getenv("FACEPLATE_RESOLVE_SETTINGS")
  local path = named and in_full(named, ".") or home .. "/resolve/settings.json"
  local entries, values, names = files.read_json(here .. "settings.json"), {}, {}
  for _, entry in ipairs(entries) do
    values[entry.name], names[entry.name] = entry.default, true
  end
  local first_run = not files.size(path)
  if first_run then files.write_json(path, values) else lay_over(values, path, names) end
  local of_project = files.folder_of(path) .. "/projects/" .. files.safe_name(project) .. ".json"
  if files.size(of_project) then lay_over(values, of_project, names) end
  for _, entry in ipairs(entries) do
    local text = os.getenv("FACEPLATE_RESOLVE_" .. entry.name:upper())
    if text then values[entry.name] = of_text(entry, text) end
    local should = wanted(entry, values[entry.name])
    if should then
      errors.fail('"' .. entry.name .. '" must be ' .. should .. ", got "
        .. json.encode(values[entry.name]) .. ": edit " .. path)
    end
  end
  if values.model == "" then
    errors.fail((first_run and "A file of settings was written. " or "")
      .. 'Set "model" to the folder of a swap model, and "consent" to its consent record, in '
      .. path .. ", then run the script again.")
  end
  return with_paths(values, path, home)
end

return settings
