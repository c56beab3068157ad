-- The work that the server does for a shot, in steps that a later run of the script goes on with.
-- job.json in the shot's folder says how far it is; what is in it is the same from Lua and Python.

local load_part = ...
local client, files, source = load_part("client"), load_part("files"), load_part("source")
local Work = {}
Work.__index = Work

local NEXT = { analyse = "swap", swap = "bring", bring = "done" }

local function text(value)
  return type(value) == "number" and string.format(value % 1 == 0 and "%d" or "%.17g", value)
    or tostring(value)
end

-- Returns a text that two runs share exactly where they mean the same work.
local function key_of(shot, settings)
  local parts = { shot.facts and shot.facts.id or "", shot.name, text(shot.first), text(shot.last) }
  for _, name in ipairs({ "handles", "plate", "plate_space", "model", "consent", "recipe" }) do
    parts[#parts + 1] = name .. "=" .. text(settings[name])
  end
  return table.concat(parts, "|")
end

local function analysed(plate)
  return plate.path .. "|" .. source.frames(plate) .. "|" .. plate.space
end

-- Returns what was done for a shot so far; another key begins anew.
local function open(folder, key)
  local path = folder .. "/job.json"
  local before = files.size(path) and files.read_json(path) or {}
  local state = before.key == key and before or {}
  if not state.step or state.step == "done" then
    state = { key = key, step = "analyse", version = (before.version or 0) + 1, jobs = {},
      analysed = before.key == key and before.analysed or nil }
  end
  files.make_folder(folder)
  return setmetatable({ folder = folder, path = path, state = state }, Work)
end

function Work:save() files.write_json(self.path, self.state) end
function Work:track() return self.folder .. "/track.json" end
function Work:results() return self.folder .. string.format("/v%03d", self.state.version) end

-- Returns the pattern of this version's frames.
function Work:pattern(name)
  return self:results() .. "/" .. name .. string.format("_v%03d", self.state.version) .. ".%04d.exr"
end

-- Notes the plate; a track of exactly these frames is taken as it is.
function Work:keep_plate(plate)
  self.state.plate = plate
  if self.state.analysed == analysed(plate) then self.state.step = "swap" end
  self:save()
end

-- Notes that a step is done.
function Work:done(step)
  self.state.step = NEXT[step]
  if step == "analyse" then self.state.analysed = analysed(self.state.plate) end
  self:save()
end

-- Submits a job, or follows the one that an earlier run submitted. One that failed is submitted
-- again by the next run.
function Work:run(verb, values, following)
  following.submitted = function(job)
    self.state.jobs[verb] = job
    self:save()
  end
  local job = self.state.jobs[verb]
  local ran, answer = pcall(function()
    if not job then return client.submit(following, verb, values) end
    following.say("looking at job " .. job .. " of an earlier run")
    return client.watch(following, verb, job)
  end)
  if ran then return answer end
  if type(answer) == "table" and answer.faceplate and not answer.running then
    self.state.jobs[verb] = nil
    self:save()
  end
  error(answer, 0)
end

return { open = open, key_of = key_of }
