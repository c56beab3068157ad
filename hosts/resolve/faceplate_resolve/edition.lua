-- Which Resolve this is, and what that means, in one sentence.

local load_part = ...
local errors = load_part("errors")
local edition = {}

local FREE_WIDTH, FREE_HEIGHT = 3840, 2160 -- largest frame that the free edition renders

-- Returns whether it is Studio, and the sentence for the artist.
function edition.read(product, version)
  local major, minor = tonumber(version[1]) or 0, tonumber(version[2]) or 0
  local number = major .. "." .. minor .. "." .. (tonumber(version[3]) or 0)
  if major < 19 then
    errors.fail("Resolve " .. major .. "." .. minor .. " is too old: Faceplate needs 19 or later.")
  end
  if product:lower():find("studio", 1, true) then
    return true, "DaVinci Resolve Studio " .. number .. ": nothing is limited."
  end
  return false, "DaVinci Resolve (free) " .. number .. ": it renders " .. FREE_WIDTH .. " x "
    .. FREE_HEIGHT .. " at most and runs scripts in Lua only from 21.1 on; nothing here needs what "
    .. "Studio alone has."
end

-- Refuses a render that the free edition would not do.
function edition.check_render(studio, width, height)
  if not studio and (width > FREE_WIDTH or height > FREE_HEIGHT) then
    errors.fail("The timeline is " .. width .. " x " .. height .. ", and the free edition renders at "
      .. "most " .. FREE_WIDTH .. " x " .. FREE_HEIGHT .. ": use a smaller timeline, or a clip that is "
      .. "not changed, whose file needs no render.")
  end
end

return edition
