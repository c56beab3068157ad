-- The whole way: from the clip under the playhead to its take.

local load_part = ...
local bring, client, edition = load_part("bring"), load_part("client"), load_part("edition")
local errors, files, hosts = load_part("errors"), load_part("files"), load_part("host")
local jobs, rendering = load_part("job"), load_part("render")
local settings_file, source, spaces = load_part("settings"), load_part("source"), load_part("spaces")
local swap = {}

-- Runs `body` while the clip shows its first take, the plate and no earlier result; `body` returns
-- whether the takes stay as they are then.
local function on_the_plate(host, body)
  local item, take = host:current_item(), nil
  if item then
    local count, shown = host:takes(item)
    if count > 1 and shown > 1 then
      take = shown
      host:select_take(item, 1)
    end
  end
  local keep
  errors.finally(function() keep = body() end, function()
    if take and not keep then host:select_take(item, take) end
  end)
end

local function free_folder(work)
  local name = work.folder .. "/plate_" .. os.date("%Y%m%d_%H%M%S")
  local folder, count = name, 1
  while files.size(folder .. "/.faceplate") do
    count = count + 1
    folder = name .. "_" .. count
  end
  files.write(folder .. "/.faceplate", "")
  return folder
end

local function make_plate(host, studio, shot, settings, work, say)
  local why = source.why_not_file(host, shot)
  if settings.plate == "file" and why then
    errors.fail('"plate" is "file" in ' .. settings.path .. ", but " .. why .. ".")
  end
  if not why and settings.plate ~= "render" then
    local space = spaces.clip_space(host, host:media(shot.item), settings)
    local plate = source.file_plate(host, shot, settings, space)
    say("The plate is the clip's own file, frames " .. source.frames(plate) .. ": " .. plate.path)
    return plate
  end
  say("The plate is rendered, since " .. (why or "the settings ask for it") .. ".")
  local space = spaces.render_space(host, settings)
  local plate = rendering.render(host, studio, shot, settings, free_folder(work), space, say)
  say("The plate is rendered in " .. space .. ", frames " .. source.frames(plate) .. ": " .. plate.path)
  return plate
end

local function with(values, more)
  for name, value in pairs(more) do values[name] = value end
  return values
end

local function analyse(work, plate, settings, following)
  local values = with({ plate = plate.path, frames = source.frames(plate) }, settings.analyse)
  if plate.space ~= "" then values.color_space = values.color_space or plate.space end
  values.out = work:track()
  local found = work:run("analyse", values, following)
  work:done("analyse")
  following.say(string.format("A face is in %d of %d frames.", found.frames_with_face or 0,
    found.frames or 0))
end

local function swap_frames(work, shot, result, settings, following)
  local plate = result.plate
  local values = with({ plate = plate.path, frames = source.frames(plate), shot = shot.name,
    model = settings.full(settings.model) }, settings.swap)
  if plate.space ~= "" then values.color_space = values.color_space or plate.space end
  for _, name in ipairs({ "consent", "recipe" }) do
    if settings[name] ~= "" then values[name] = settings.full(settings[name]) end
  end
  values.track, values.out = work:track(), result.pattern
  local found = work:run("swap", values, following)
  work:done("swap")
  following.say((found.swapped or 0) .. " frames are swapped: " .. result.pattern)
end

-- Has the server do what is left of its steps.
local function serve(work, shot, result, settings, program, say)
  local following = { program = program, settings = settings, folder = work.folder, say = say,
    ["until"] = os.time() + settings.wait_s, cancel = work.folder .. "/cancel" }
  say("To cancel, make a file named " .. following.cancel)
  if work.state.step == "analyse" then analyse(work, result.plate, settings, following) end
  if work.state.step == "swap" then swap_frames(work, shot, result, settings, following) end
end

local function still(host, settings, work, name)
  if not settings.verify then return nil end
  local path = work:results() .. "/still_" .. name .. ".png"
  return host:still(path) and (files.size(path) or 0) > 0 and files.read(path) or nil
end

-- Says whether the picture changed: what Resolve reads back proves nothing.
local function compare(before, after, folder)
  if not after then return "Resolve exported no still of the result: look at the viewer." end
  if before == after then
    return "The picture is as before: look at the viewer, and at " .. folder .. "."
  end
  return "The picture changed; stills before and after are in " .. folder .. "."
end

local function run(resolve, say, installed)
  local host = hosts.new(resolve)
  local studio, sentence = edition.read(host:product(), host:version())
  say(sentence)
  host:open()
  local settings = settings_file.load(host:project_name())
  local program = client.find(settings, installed)
  local before, work
  on_the_plate(host, function()
    local shot = source.choose(host, settings)
    local folder = settings.work_folder .. "/" .. files.safe_name(host:project_name()) .. "/"
      .. files.safe_name(shot.name)
    work = jobs.open(folder, jobs.key_of(shot, settings))
    local plate = work.state.plate
    if not plate then
      plate = make_plate(host, studio, shot, settings, work, say)
      work:keep_plate(plate)
    end
    local result = { pattern = work:pattern(files.safe_name(shot.name)), plate = plate }
    serve(work, shot, result, settings, program, say)
    before = still(host, settings, work, "before")
    for _, line in ipairs(bring.bring(host, shot, result, settings.bring_back)) do say(line) end
    work:done("bring")
    return true
  end)
  if before then say(compare(before, still(host, settings, work, "after"), work:results())) end
end

-- Swaps the clip under the playhead and tells the artist; returns whether it is all done.
function swap.main(resolve, say, installed)
  local ran, problem = pcall(run, resolve, say, installed)
  if ran then return true end
  if type(problem) == "table" and problem.faceplate then
    say("Faceplate: " .. problem.faceplate)
    return false
  end
  error(problem, 0)
end

return swap
