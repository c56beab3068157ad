-- JSON both ways. null is nil; an empty table is written as an object.

local json = {}

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  end
  if code < 0x10000 then
    local high, rest = math.floor(code / 0x1000), code % 0x1000
    return string.char(0xE0 + high, 0x80 + math.floor(rest / 0x40), 0x80 + rest % 0x40)
  end
  local rest = code % 0x40000
  return string.char(
    0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(rest / 0x1000),
    0x80 + math.floor(rest % 0x1000 / 0x40), 0x80 + rest % 0x40)
end

local read_value

local function stop(text, at, what)
  local _, line = text:sub(1, at):gsub("\n", "")
  error("line " .. (line + 1) .. ": expected " .. what, 0)
end

local function read_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stopped = text:find('["\\]', from)
    if not stopped then stop(text, at, "the end of a text") end
    parts[#parts + 1] = text:sub(from, stopped - 1)
    if text:sub(stopped, stopped) == '"' then return table.concat(parts), stopped + 1 end
    local letter = text:sub(stopped + 1, stopped + 1)
    from = stopped + 2
    if letter == "u" then
      local code = tonumber(text:match("^%x%x%x%x", from) or stop(text, from, "four digits"), 16)
      from = from + 4
      local low = text:match("^\\u(%x%x%x%x)", from)
      if code >= 0xD800 and code < 0xDC00 and low then
        code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
        from = from + 6
      end
      letter = utf8_of(code)
    end
    parts[#parts + 1] = ESCAPES[letter] or letter
  end
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function read_list(text, at)
  local list = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    local value
    value, at = read_value(text, at)
    list[#list + 1] = value
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "]" then return list, at + 1 end
    if mark ~= "," then stop(text, at, ", or ]") end
    at = skip(text, at + 1)
  end
end

local function read_object(text, at)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    if text:sub(at, at) ~= '"' then stop(text, at, "a name") end
    local name
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then stop(text, at, ":") end
    object[name], at = read_value(text, skip(text, at + 1))
    at = skip(text, at)
    local mark = text:sub(at, at)
    if mark == "}" then return object, at + 1 end
    if mark ~= "," then stop(text, at, ", or }") end
    at = skip(text, at + 1)
  end
end

function read_value(text, at)
  local first = text:sub(at, at)
  if first == '"' then return read_string(text, at) end
  if first == "{" then return read_object(text, at) end
  if first == "[" then return read_list(text, at) end
  local word = text:match("^%a+", at)
  if word == "true" then return true, at + 4 end
  if word == "false" then return false, at + 5 end
  if word == "null" then return nil, at + 4 end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if not number or not tonumber(number) then stop(text, at, "a value") end
  return tonumber(number), at + #number
end

-- Returns the value of a text; raises a text that says where it is wrong.
function json.decode(text)
  local value, at = read_value(text, skip(text, 1))
  if skip(text, at) <= #text then stop(text, at, "the end") end
  return value
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(one)
    return string.format("\\u%04x", one:byte())
  end) .. '"'
end

-- Returns the text of a value; objects are sorted by name, so that a value has one text.
function json.encode(value)
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if kind == "number" then
    return string.format(value == math.floor(value) and "%d" or "%.17g", value)
  end
  if kind ~= "table" then return tostring(value) end
  local parts = {}
  if #value > 0 then
    for _, one in ipairs(value) do parts[#parts + 1] = json.encode(one) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = "\n  " .. quoted(name) .. ": " .. json.encode(value[name])
  end
  return #parts > 0 and "{" .. table.concat(parts, ",") .. "\n}" or "{}"
end

return json
