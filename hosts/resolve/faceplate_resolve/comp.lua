-- The result as nodes of a Fusion comp: MediaIn -> Merge <- MatteControl <- Loader -> MediaOut.
-- The Loader reads the layer fp, the face premultiplied by its matte.

local load_part, here = ...
local errors, files, source = load_part("errors"), load_part("files"), load_part("source")
local comp = {}

-- Returns what the Loader is set to, in order. `start` is the frame of the comp at which the shot
-- begins; handles lie before it.
function comp.loader_inputs(result, start)
  local first_number, last_number = source.numbers(result.plate)
  local first = start - result.plate.before
  return {
    { "Clip", source.path(result, first_number) },
    { "GlobalIn", first },
    { "GlobalOut", first + last_number - first_number },
    { "Clip1.OpenEXRFormat.RedName", "fp.R" },
    { "Clip1.OpenEXRFormat.GreenName", "fp.G" },
    { "Clip1.OpenEXRFormat.BlueName", "fp.B" },
    { "Clip1.OpenEXRFormat.AlphaName", "fp.A" },
  }
end

-- MediaOut keeps descending from MediaIn, without which Resolve leaves the comp out.
local function nodes(host, made)
  local media_in, media_out = host:tool(made, "MediaIn1"), host:tool(made, "MediaOut1")
  local loader = host:add_tool(made, "Loader", 0, 3)
  local matte = host:add_tool(made, "MatteControl", 1, 3)
  local merge = host:add_tool(made, "Merge", 1, 1)
  host:connect(matte, "Background", loader)
  host:connect(merge, "Background", media_in)
  host:connect(merge, "Foreground", matte)
  host:connect(media_out, "Input", merge)
  return { { loader, "FP_Swap" }, { matte, "FP_Matte" }, { merge, "FP_Merge" } }
end

-- Adds a comp to a clip and returns what the artist should know. Tools are added and connected under
-- a lock, which keeps the Loader's dialog shut; what they are set to comes after it, since a value
-- that is set first under a lock reads back and is not rendered.
function comp.build(host, item, result)
  local made, refused = host:new_comp(item), {}
  host:begin(made, "Faceplate swap")
  errors.finally(function()
    host:lock(made)
    local tools = errors.finally(function() return nodes(host, made) end,
      function() host:unlock(made) end)
    for _, tool in ipairs(tools) do host:name_tool(tool[1], tool[2]) end
    for _, input in ipairs(comp.loader_inputs(result, host:comp_start(made))) do
      if not host:set_input(tools[1][1], input[1], input[2]) then refused[#refused + 1] = input[1] end
    end
    host:set_input(tools[2][1], "PostMultiply", 0) -- the layer is premultiplied already
  end, function() host:finish(made) end)
  local said = { "The clip has a Fusion comp with the nodes FP_Swap, FP_Matte and FP_Merge." }
  if #refused > 0 then
    said[2] = "Choose the channels fp.R, fp.G, fp.B and fp.A on the Format tab of FP_Swap: Resolve "
      .. "did not take " .. table.concat(refused, ", ") .. "."
  end
  return said
end

-- Writes the nodes as a file that can be dragged into Fusion; returns its path.
function comp.write_setting(path, result)
  local first, last = source.numbers(result.plate)
  local values = {
    CLIP = source.path(result, first):gsub("\\", "\\\\"):gsub('"', '\\"'),
    LENGTH = last - first + 1,
    FIRST = -result.plate.before,
    LAST = last - first - result.plate.before,
    LAST_FRAME = last - first,
  }
  files.write(path, (files.read(here .. "nodes.setting"):gsub("@([%u_]+)@", function(name)
    local value = values[name]
    return type(value) == "number" and string.format("%d", value) or value
  end)))
  return path
end

return comp
