-- Every call into Resolve, each with its answer checked: nothing else here calls the host.
-- Resolve answers nil or false where it did not do what it was asked, and raises nothing.

local load_part = ...
local errors = load_part("errors")

local Host = {}
Host.__index = Host

local function must(value, what)
  if value == nil or value == false then errors.fail("Resolve did not " .. what .. ".") end
  return value
end

local function number(value, what)
  return tonumber(must(value, what)) or errors.fail("Resolve did not " .. what .. ".")
end

local function text(value)
  return (value == nil or value == false) and "" or tostring(value)
end

local function new(resolve)
  if not resolve then
    errors.fail("Resolve does not answer: run this from its menu Workspace > Scripts.")
  end
  return setmetatable({ resolve = resolve }, Host)
end

-- the application; the product's name is the very first call, before anything that needs Studio
function Host:product() return text(must(self.resolve:GetProductName(), "say which product it is")) end
function Host:version() return must(self.resolve:GetVersion(), "say its version") end

function Host:page()
  return text(must(self.resolve:GetCurrentPage(), "say which page is shown: close its dialogs"))
end

function Host:show_page(name) must(self.resolve:OpenPage(name), "show the page " .. name) end

function Host:open()
  local manager = must(self.resolve:GetProjectManager(), "give its project manager")
  self.project = must(manager:GetCurrentProject(), "give a project: open one")
  self.timeline = must(self.project:GetCurrentTimeline(), "give a timeline: open one")
  self.pool = must(self.project:GetMediaPool(), "give its media pool")
end

-- project and timeline
function Host:project_name() return text(must(self.project:GetName(), "say the project's name")) end
function Host:setting(name) return text(self.project:GetSetting(name)) end
function Host:timeline_setting(name) return text(self.timeline:GetSetting(name)) end

function Host:timeline_start()
  return number(self.timeline:GetStartFrame(), "say where the timeline starts")
end

-- Returns the first and last frame between the marks; nil where they are not both set.
function Host:marks()
  local video = must(self.timeline:GetMarkInOut(), "say the timeline's marks").video or {}
  if not video["in"] or not video.out then return nil end
  local start, first, last = self:timeline_start(), tonumber(video["in"]), tonumber(video.out)
  -- relative to the start in the documented example; nothing lies before the start
  if start > 0 and first >= start then return first, last end
  return first + start, last + start
end

function Host:tracks() return number(self.timeline:GetTrackCount("video"), "count the video tracks") end

function Host:track_enabled(index)
  return self.timeline:GetIsTrackEnabled("video", index) and true or false
end

function Host:enable_track(index, enabled)
  must(self.timeline:SetTrackEnable("video", index, enabled),
    (enabled and "show" or "hide") .. " video track " .. index .. ": is it locked?")
end

-- Returns first frame and end of what lies on a video track.
function Host:spans(index)
  local spans = {}
  for _, item in ipairs(self.timeline:GetItemListInTrack("video", index) or {}) do
    spans[#spans + 1] = { tonumber(item:GetStart()), tonumber(item:GetEnd()) }
  end
  return spans
end

function Host:add_track()
  must(self.timeline:AddTrack("video"), "add a video track")
  return self:tracks()
end

-- the clip
function Host:current_item() return self.timeline:GetCurrentVideoItem() or nil end

-- Returns where a clip lies on the timeline and in its source.
function Host:item_facts(item)
  local first, second = item:GetTrackTypeAndIndex()
  local track = type(must(first, "say the clip's track")) == "table" and first[2] or second
  return {
    id = text(must(item:GetUniqueId(), "say the clip's id")),
    name = text(must(item:GetName(), "say the clip's name")),
    track = number(track, "say the clip's track"),
    start = number(item:GetStart(), "say where the clip starts"),
    ["end"] = number(item:GetEnd(), "say where the clip ends"),
    left = number(item:GetLeftOffset(), "say the clip's left offset"),
    right = number(item:GetRightOffset(), "say the clip's right offset"),
    source_first = number(item:GetSourceStartFrame(), "say the clip's source range"),
    source_last = number(item:GetSourceEndFrame(), "say the clip's source range"),
    comps = number(item:GetFusionCompCount(), "count the clip's Fusion comps"),
  }
end

function Host:sizing(item) return must(item:GetProperty(), "say the clip's sizing") end

function Host:set_sizing(item, name, value)
  must(item:SetProperty(name, value), "set " .. name .. " of the clip")
end

function Host:media(item) return item:GetMediaPoolItem() or nil end
function Host:media_property(media, name) return text(media:GetClipProperty(name)) end

-- Returns whether a property of media reads back as set.
function Host:set_media_property(media, name, value)
  local done = media:SetClipProperty(name, value)
  return done and self:media_property(media, name) == value
end

-- Returns how many takes a clip has and which is shown; zeros for a clip without takes.
function Host:takes(item)
  return number(item:GetTakesCount(), "count the clip's takes"),
    number(item:GetSelectedTakeIndex(), "say the clip's take")
end

function Host:select_take(item, index)
  must(item:SelectTakeByIndex(index), "show take " .. index .. " of the clip")
end

-- Returns whether there is one take more: without a window there may not be.
function Host:add_take(item, media, first, last)
  local before = self:takes(item)
  if not item:AddTake(media, first, last) then return false end
  return (self:takes(item)) > math.max(before, 1)
end

-- the media pool
function Host:open_bin(names)
  local folder = must(self.pool:GetRootFolder(), "give the media pool's root")
  for _, name in ipairs(names) do
    local found
    for _, one in ipairs(folder:GetSubFolderList() or {}) do
      if not found and one:GetName() == name then found = one end
    end
    folder = found or must(self.pool:AddSubFolder(folder, name), "make the bin " .. name)
  end
  return folder
end

-- Imports an image sequence into a folder, whichever is open; returns its media.
function Host:import_sequence(folder, pattern, first, last)
  local kept = must(self.pool:GetCurrentFolder(), "say which bin is open")
  must(self.pool:SetCurrentFolder(folder), "open the bin")
  local found = errors.finally(function()
    local info = { { FilePath = pattern, StartIndex = first, EndIndex = last } }
    return must(self.pool:ImportMedia(info), "import " .. pattern)
  end, function() self.pool:SetCurrentFolder(kept) end)
  if #found ~= 1 then
    errors.fail("Resolve made " .. #found .. " clips of " .. pattern .. ", instead of one.")
  end
  return found[1]
end

-- Puts frames of media on a video track; returns the new clip.
function Host:place(media, first, last, track, record)
  local items = must(self.pool:AppendToTimeline({ {
    mediaPoolItem = media, startFrame = first, endFrame = last,
    trackIndex = track, recordFrame = record, mediaType = 1,
  } }), "put the result on the timeline")
  if not items[1] then
    errors.fail("Resolve did not put the result on the timeline; it is in its bin.")
  end
  return items[1]
end

function Host:remove(item)
  must(self.timeline:DeleteClips({ item }, false), "take the clip off the timeline")
end

-- rendering
function Host:codecs() return must(self.project:GetRenderCodecs("exr"), "list its EXR codecs") end

-- Returns the format, the codec and the mode that the Deliver page has now.
function Host:render_choice()
  local now = must(self.project:GetCurrentRenderFormatAndCodec(), "say its render format")
  return { now.format, now.codec, tonumber(self.project:GetCurrentRenderMode() or 0) }
end

function Host:choose_render(form, codec, mode)
  must(self.project:SetCurrentRenderFormatAndCodec(form, codec),
    "take the render format " .. form .. ", " .. codec)
  must(self.project:SetCurrentRenderMode(mode), "take the render mode")
end

-- Sets format, codec, mode and page as they were; returns what Resolve did not take.
function Host:put_back(choice, page)
  local refused = {}
  if not self.project:SetCurrentRenderFormatAndCodec(choice[1], choice[2]) then
    refused[#refused + 1] = "the render format " .. choice[1] .. ", " .. choice[2]
  end
  if not self.project:SetCurrentRenderMode(choice[3]) then refused[#refused + 1] = "the render mode" end
  if not self.resolve:OpenPage(page) then refused[#refused + 1] = "the page " .. page end
  return refused
end

function Host:add_render(values)
  must(self.project:SetRenderSettings(values), "take the render settings")
  return text(must(self.project:AddRenderJob(), "queue the render"))
end

function Host:start_render(job) must(self.project:StartRendering({ job }, false), "start the render") end
function Host:rendering() return self.project:IsRenderingInProgress() and true or false end

function Host:render_status(job)
  return must(self.project:GetRenderJobStatus(job), "say how the render went")
end

function Host:drop_render(job)
  must(self.project:DeleteRenderJob(job), "take the render off the queue")
end

-- Makes a timeline of one clip and shows it, for frames beyond a clip's cut.
-- Returns what was shown before, for drop_layout, and the clip, or nil where there is none.
function Host:lay_out(name, media, first, last)
  local kept = self.timeline
  local info = { mediaPoolItem = media, startFrame = first, endFrame = last }
  local made = must(self.pool:CreateTimelineFromClips(name, { info }), "make a timeline")
  if not self.project:SetCurrentTimeline(made) then
    self.pool:DeleteTimelines({ made })
    errors.fail("Resolve did not show the timeline that it made.")
  end
  self.timeline = made
  return kept, (made:GetItemListInTrack("video", 1) or {})[1]
end

function Host:drop_layout(kept)
  local made = self.timeline
  self.timeline = kept
  must(self.project:SetCurrentTimeline(kept), "show your timeline again")
  must(self.pool:DeleteTimelines({ made }), "delete the timeline that was made for the render")
end

function Host:still(path) return self.project:ExportCurrentFrameAsStill(path) and true or false end

-- Fusion
function Host:new_comp(item) return must(item:AddFusionComp(), "add a Fusion comp to the clip") end

function Host:tool(comp, name)
  return must(comp:FindTool(name), "find " .. name .. " in the Fusion comp")
end

-- Returns the first frame of the clip in its comp's time.
function Host:comp_start(comp)
  return tonumber(must(comp:GetAttrs(), "say the comp's range").COMPN_RenderStart or 0)
end

function Host:begin(comp, name) comp:StartUndo(name) end
function Host:finish(comp) comp:EndUndo(true) end

-- A lock keeps dialogs shut: for adding and connecting tools, never for setting their inputs.
function Host:lock(comp) comp:Lock() end
function Host:unlock(comp) comp:Unlock() end

function Host:add_tool(comp, kind, x, y)
  return must(comp:AddTool(kind, x, y), "add a " .. kind .. " to the Fusion comp")
end

function Host:connect(tool, name, source)
  must(tool:ConnectInput(name, source), "connect " .. name .. " in the Fusion comp")
end

function Host:name_tool(tool, name) tool:SetAttrs({ TOOLS_Name = name }) end

-- Sets a tool's input; never under a lock. Returns whether it reads back as set.
function Host:set_input(tool, name, value)
  tool:SetInput(name, value)
  return tool:GetInput(name) == value
end

return { new = new }
