-- Files, folders and processes, with what Lua 5.1 has and a shell.

local load_part = ...
local errors, json = load_part("errors"), load_part("json")
local files = {}

files.windows = package.config:sub(1, 1) == "\\"

-- Returns a word as the shell takes it.
function files.quote(word)
  if files.windows then return '"' .. word:gsub('"', "") .. '"' end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Returns a path as commands of the system take it.
local function native(path)
  return files.windows and (path:gsub("/", "\\")) or path
end

function files.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- Returns a file's length; nil where there is none.
function files.size(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local size = file:seek("end")
  file:close()
  return size
end

function files.folder_of(path)
  return path:match("^(.*)[/\\][^/\\]*$") or "."
end

function files.make_folder(path)
  if files.windows then
    local name = files.quote(native(path))
    os.execute("if not exist " .. name .. " mkdir " .. name)
  else
    os.execute("mkdir -p " .. files.quote(path))
  end
end

-- Returns the names in a folder.
function files.list(path)
  local pipe = io.popen((files.windows and "dir /b " or "ls -1 ") .. files.quote(native(path)))
  local names = {}
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

-- Writes a file, whole or not at all.
function files.write(path, text)
  files.make_folder(files.folder_of(path))
  local part = path .. ".part"
  local file, problem = io.open(part, "wb")
  if not file then errors.fail(path .. " cannot be written: " .. problem) end
  local written = file:write(text)
  if not file:close() or not written then errors.fail(path .. " cannot be written: is there room?") end
  if files.windows then os.remove(path) end
  local renamed, why = os.rename(part, path)
  if not renamed then errors.fail(path .. " cannot be written: " .. why) end
end

function files.read_json(path)
  local text = files.read(path)
  if not text then errors.fail(path .. " cannot be read.") end
  local read, value = pcall(json.decode, text)
  if not read then
    errors.fail(path .. " is not JSON: " .. tostring(value) .. "; correct it or delete it")
  end
  return value
end

function files.write_json(path, value)
  files.write(path, json.encode(value) .. "\n")
end

function files.is_full(path)
  return path:match("^[/\\]") ~= nil or path:match("^%a:[/\\]") ~= nil
end

function files.user_folder()
  return os.getenv("HOME") or os.getenv("USERPROFILE") or "."
end

-- Returns a name that is a file name everywhere.
function files.safe_name(text)
  local name = text:gsub("[^%w._-]+", "_"):gsub("^[._]+", ""):gsub("[._]+$", "")
  return name ~= "" and name or "unnamed"
end

-- Waits for a moment; Resolve's own way where there is one.
function files.sleep(seconds)
  if bmd and bmd.wait then
    bmd.wait(seconds)
  elseif files.windows then
    os.execute("ping -n 2 127.0.0.1 >nul")
  else
    os.execute("sleep " .. seconds)
  end
end

-- Runs a command to its end; returns all that it says.
function files.output_of(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- Starts a command that goes on by itself; its last line in `out` is the event "exit".
function files.start(command, out, err)
  files.write(out, "")
  if files.windows then
    local batch = out .. ".bat"
    files.write(batch, "@echo off\r\n" .. command:gsub("%%", "%%%%") .. ' >"' .. out .. '" 2>"' .. err
      .. '" <nul\r\necho {"event": "exit", "code": %errorlevel%}>>"' .. out .. '"\r\n')
    os.execute('start "" /b ' .. files.quote(native(batch)))
    return
  end
  os.execute("(" .. command .. " >" .. files.quote(out) .. " 2>" .. files.quote(err)
    .. " </dev/null; printf '\\n{\"event\": \"exit\", \"code\": %d}\\n' $? >>" .. files.quote(out)
    .. ") >/dev/null 2>&1 &")
end

return files
