-- What is swapped: frames of the timeline, and the file or the render that is their plate.

local load_part = ...
local errors = load_part("errors")
local source = {}

local SEQUENCES = { [".exr"] = 1, [".dpx"] = 1, [".tif"] = 1, [".tiff"] = 1, [".png"] = 1,
  [".jpg"] = 1, [".jpeg"] = 1 }
local MOVIES = { [".mov"] = 1, [".mp4"] = 1, [".m4v"] = 1 }

-- What changes a clip's picture, and the value that leaves it alone.
source.SIZING = {
  { "Pan", 0 }, { "Tilt", 0 }, { "ZoomX", 1 }, { "ZoomY", 1 }, { "RotationAngle", 0 },
  { "AnchorPointX", 0 }, { "AnchorPointY", 0 }, { "Pitch", 0 }, { "Yaw", 0 }, { "FlipX", 0 },
  { "FlipY", 0 }, { "CropLeft", 0 }, { "CropRight", 0 }, { "CropTop", 0 }, { "CropBottom", 0 },
  { "Distortion", 0 },
}

-- Splits what Resolve calls a sequence: /plates/B.[1001-1012].exr
local function sequence(path)
  local head, first, _, suffix = path:match("^(.*)%[(%d+)%-(%d+)%](%.%w+)$")
  if head then return { head = head, first = first, suffix = suffix } end
end

-- Returns whether a shot is all frames of one clip.
function source.is_whole_clip(shot)
  local facts = shot.facts
  return facts ~= nil and facts.start == shot.first and facts["end"] - 1 == shot.last
end

local function from_marks(host, settings, item, facts)
  local first, last = host:marks()
  if not first then
    errors.fail('Set an in and an out mark, or "range" to "clip" in ' .. settings.path .. ".")
  end
  if not facts or facts.start > first or last >= facts["end"] then item, facts = nil, nil end
  local name = settings.shot ~= "" and settings.shot or facts and facts.name or "marks"
  return { name = name, first = first, last = last, item = item, facts = facts }
end

-- Returns what the artist means: the clip under the playhead, or what is between the marks.
function source.choose(host, settings)
  local item = host:current_item()
  local facts = item and host:item_facts(item)
  if settings.range == "marks" then return from_marks(host, settings, item, facts) end
  if not item then errors.fail("No clip is under the playhead: move it onto the shot.") end
  local media = host:media(item)
  local path = media and host:media_property(media, "File Path") or ""
  local folder = settings.work_folder
  if path:sub(1, #folder) == folder and path:sub(#folder + 1):match("^[/\\]") then
    errors.fail("The clip under the playhead is a result of Faceplate: hide its track, so that the "
      .. "plate is on top.")
  end
  local name = settings.shot ~= "" and settings.shot or facts.name
  return { name = name, first = facts.start, last = facts["end"] - 1, item = item, facts = facts }
end

-- Returns the number of the first frame of media, as Resolve counts it; 0 for a movie.
function source.first_number(host, media)
  return tonumber(host:media_property(media, "Start"):match("^-?%d+$")) or 0
end

-- Returns what tells that frames of the clip are not those of its file; nil where they are.
function source.why_retimed(host, shot, media)
  local facts = shot.facts
  local duration, span = facts["end"] - facts.start, facts.source_last - facts.source_first
  -- Resolve's last source frame is the end in some versions, and the last frame in others
  if span ~= duration and span ~= duration - 1 then return "its speed is changed" end
  local start = source.first_number(host, media)
  if facts.source_first ~= facts.left and facts.source_first ~= start + facts.left then
    return "Resolve does not say which frames of the file it shows"
  end
  local own = tonumber(host:media_property(media, "FPS"):match("^[%d.]+"))
  local timeline = tonumber(host:setting("timelineFrameRate"):match("^[%d.]+"))
  if own and timeline and own ~= timeline then return "its frame rate is not the timeline's" end
end

local function changed_sizing(host, item)
  local sizing, changed = host:sizing(item), {}
  for _, one in ipairs(source.SIZING) do
    local value = sizing[one[1]]
    if type(value) == "boolean" then value = value and 1 or 0 end
    if value ~= nil and tonumber(value) ~= one[2] then changed[#changed + 1] = one[1] end
  end
  return changed
end

-- Returns why the clip's own file is not its plate; nil where it is.
function source.why_not_file(host, shot)
  if not shot.facts then return "the marks hold more than one clip" end
  local media = host:media(shot.item)
  if not media then return "it has no media, as a title or a compound clip" end
  local path = host:media_property(media, "File Path")
  local suffix = (path:match("%.%w+$") or ""):lower()
  if not SEQUENCES[suffix] and not MOVIES[suffix] then
    return "the server reads no " .. (suffix ~= "" and suffix or "such") .. " files"
  end
  if SEQUENCES[suffix] and not sequence(path) then return "it is a single picture" end
  if shot.facts.comps > 0 then return "it has a Fusion comp" end
  local changed = changed_sizing(host, shot.item)
  if #changed > 0 then return "its sizing is changed: " .. table.concat(changed, ", ") end
  return source.why_retimed(host, shot, media)
end

-- Returns the clip's own file as the plate.
function source.file_plate(host, shot, settings, space)
  local facts, path = shot.facts, host:media_property(host:media(shot.item), "File Path")
  local found, inside = sequence(path), shot.first - shot.facts.start
  -- the server counts a movie from 1
  local first = (found and tonumber(found.first) or 1) + facts.left + inside
  if found then path = found.head .. "%0" .. #found.first .. "d" .. found.suffix end
  return {
    path = path,
    first = first,
    last = first + shot.last - shot.first,
    before = math.min(settings.handles, facts.left + inside),
    after = math.min(settings.handles, facts.right + facts["end"] - 1 - shot.last),
    is_file = true,
    space = space,
  }
end

-- Returns the first and the last frame to work on, handles included.
function source.numbers(plate) return plate.first - plate.before, plate.last + plate.after end

-- Returns the file of a frame; folders may have a per cent sign in their names.
function source.path(result, number)
  local head, width, suffix = result.pattern:match("^(.*)%%0(%d+)d([^%%]*)$")
  return head .. string.format("%0" .. width .. "d", number) .. suffix
end

-- Returns the same as a text.
function source.frames(plate) return string.format("%d-%d", source.numbers(plate)) end

return source
