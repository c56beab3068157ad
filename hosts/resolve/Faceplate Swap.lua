-- Faceplate Swap for every edition of DaVinci Resolve: Workspace > Scripts > Faceplate Swap.
-- Lua 5.1, as Resolve runs it. It swaps the clip under the playhead and returns; nothing stays behind.

local FOLDER = "" -- where faceplate_resolve is; `faceplate install resolve` fills it in
local CLIENT = "" -- faceplate-client; likewise

local function exists(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

-- Resolve does not always say where a script is.
local function find_folder()
  local source = debug and debug.getinfo(1, "S").source or ""
  local here = source:match("^@(.*)[/\\][^/\\]*$") or "."
  for _, place in ipairs({ FOLDER, os.getenv("FACEPLATE_RESOLVE") or "", here }) do
    if place ~= "" and exists(place .. "/faceplate_resolve/swap.lua") then return place end
  end
end

local folder = find_folder()
if not folder then
  print("Faceplate: run `faceplate install resolve` again; faceplate_resolve is not there.")
  return false
end

local loaded = {}
local function load_part(name)
  if loaded[name] == nil then
    local part, problem = loadfile(folder .. "/faceplate_resolve/" .. name .. ".lua")
    if not part then error(problem, 0) end
    loaded[name] = part(load_part, folder .. "/faceplate_resolve/")
  end
  return loaded[name]
end

local function run()
  local given = resolve
  if not given and Resolve then given = Resolve() end
  return load_part("swap").main(given, print, CLIENT)
end

local ran, answer = pcall(run)
if not ran then
  print("Faceplate: something that nobody foresaw: " .. tostring(answer))
  return false
end
return answer
