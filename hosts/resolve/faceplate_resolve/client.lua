-- faceplate-client, a process of its own: it writes JSON lines into a file, which is read here.
-- The process and its job go on where the script ends first; the next run looks at the job again.

local load_part = ...
local errors, files, json = load_part("errors"), load_part("files"), load_part("json")
local client = {}

local POLL_S = 0.1
local SILENCE_S = 20 -- the helper says something every two seconds; silent for so long, it hangs

-- Returns the helper's program: setting, environment, what was installed, PATH.
function client.find(settings, installed)
  for _, named in ipairs({ settings.client, os.getenv("FACEPLATE_CLIENT") or "", installed }) do
    if named ~= "" then return named:match("[/\\]") and settings.full(named) or named end
  end
  local found = files.output_of(files.windows and "where faceplate-client" or
    "command -v faceplate-client"):match("[^\r\n]+")
  if found and files.size(found) then return found end
  errors.fail('faceplate-client is not on the PATH: set "client" in ' .. settings.path
    .. " to where it is.")
end

-- Returns the beginning of every command, as the shell takes it.
local function command_of(work, words)
  local settings = work.settings
  local all = { work.program, "--home", settings.home }
  if settings.server ~= "" then
    all[#all + 1], all[#all + 2] = "--server", settings.server
  end
  if settings.token_file ~= "" then
    all[#all + 1], all[#all + 2] = "--token-file", settings.full(settings.token_file)
  end
  for _, word in ipairs(words) do all[#all + 1] = word end
  for index, word in ipairs(all) do all[index] = files.quote(word) end
  return table.concat(all, " ")
end

local function sentence(event)
  local words = { (event.message or event.code or "the job failed"):gsub("%.$", "") .. "." }
  if event.hint and event.hint ~= "" then words[2] = event.hint end
  if event.request_id and event.request_id ~= "" then
    words[#words + 1] = "(request " .. event.request_id .. ")"
  elseif event.job and event.job ~= "" then
    words[#words + 1] = "(job " .. event.job .. ")"
  end
  return table.concat(words, " ")
end

local function died(events, code, job)
  local said = files.read(events.err) or ""
  local last = said:match("([^\r\n]+)%s*$")
  local again = job and " Run the script again to look at job " .. job .. "." or ""
  return "The helper ended with code " .. tostring(code) .. " and without a result"
    .. (last and ": " .. last or "") .. "." .. again
end

local function cancel(work, job)
  local said = files.output_of(command_of(work, { "cancel", job }))
  if not said:find('"event": "job"', 1, true) then
    errors.fail("The job " .. job .. " could not be cancelled: " .. said)
  end
end

local function say_progress(work, verb, event)
  local total = event.total or 0
  local tenth = total > 0 and math.floor(10 * (event.done or 0) / total) or -1
  if tenth ~= work.tenth then
    work.tenth = tenth
    work.say(string.format("%s: %d/%d", event.title or verb, event.done or 0, total))
  end
end

-- Takes one event; returns the result where it is the last.
local function take(work, verb, events, event)
  if event.job and not events.job then
    events.job = event.job
    work.submitted(event.job)
  end
  if event.event == "progress" then
    say_progress(work, verb, event)
  elseif event.event == "done" then
    return event.result or {}
  elseif event.event == "cancelled" then
    errors.fail("The " .. verb .. " was cancelled; nothing was brought in.")
  elseif event.event == "error" then
    -- a job outlives its server, so one that was submitted is looked at again
    if event.code == "Unreachable" then errors.still_running(sentence(event)) end
    errors.fail(sentence(event))
  elseif event.event == "exit" then
    local problem = died(events, event.code, events.job)
    if events.job then errors.still_running(problem) end
    errors.fail(problem)
  end
end

local function new_events(events)
  local text = (files.read(events.out) or ""):sub(events.read + 1)
  local whole = text:match("^.*\n") or ""
  events.read = events.read + #whole
  if #whole > 0 then events.heard = os.time() end
  return whole:gmatch("[^\r\n]+")
end

-- Ends the following where it has lasted long enough, or asks for what the artist wants.
local function check(work, verb, events)
  if events.job and not events.cancelled and files.size(work.cancel) then
    events.cancelled = true
    work.say("cancelling ...")
    cancel(work, events.job)
    os.remove(work.cancel)
  end
  if os.time() - events.heard > SILENCE_S then
    errors.still_running("The helper has said nothing for " .. SILENCE_S .. " s. Run the script again "
      .. "to look at the job " .. (events.job or "again") .. ".")
  end
  if events.job and os.time() > work["until"] then
    errors.still_running("The " .. verb .. " goes on without the script (job " .. events.job
      .. "). Run the script again to bring its result in.")
  end
end

local function follow(work, verb, words)
  local run, name = 0, nil
  repeat -- a helper of an earlier run may still write into its own
    run = run + 1
    name = work.folder .. "/" .. verb .. "." .. run
  until not files.size(name .. ".jsonl")
  local events = { out = name .. ".jsonl", err = name .. ".stderr", read = 0, heard = os.time() }
  files.start(command_of(work, words), events.out, events.err)
  work.tenth = -1
  while true do
    for line in new_events(events) do
      local read, event = pcall(json.decode, line)
      local result = read and type(event) == "table" and take(work, verb, events, event)
      if result then return result end
    end
    check(work, verb, events)
    files.sleep(POLL_S)
  end
end

-- Runs a job to its end and returns its result. `work` has program, settings, folder, until, cancel,
-- say and submitted.
function client.submit(work, verb, values)
  local path = work.folder .. "/" .. verb .. ".json"
  files.write_json(path, values)
  return follow(work, verb, { "submit", verb, "--json", path })
end

-- Follows a job that an earlier run submitted.
function client.watch(work, verb, job) return follow(work, verb, { "watch", job }) end

return client
