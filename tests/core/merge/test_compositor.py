"""Our layers in other compositors: plate, fp and fp_mask alone make our own result."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from OpenImageIO import ImageBufAlgo
from tests.support.paths import MINI
from tests.support.swaps import consent_file, mini_frame, tiny_model, truth_track

from faceplate.context import Context
from faceplate.io.image import read_frame, write_frame
from faceplate.merge.swap import SwapJob, swap

FRAMES = (1001, 1005, 1010)

# Blender reads, composites and writes by itself: Alpha Over of one image on another, values as they
# are. Its compositor needs a camera to render at all.
_BLENDER = """
import json, sys
import bpy

job = json.loads(sys.argv[-1])
scene = bpy.context.scene
tree = bpy.data.node_groups.new("over", "CompositorNodeTree")
scene.compositing_node_group = tree
tree.interface.new_socket(name="Image", in_out="OUTPUT", socket_type="NodeSocketColor")

def image(path):
    found = bpy.data.images.load(path)
    found.colorspace_settings.name = "Non-Color"
    found.alpha_mode = "PREMUL"
    node = tree.nodes.new("CompositorNodeImage")
    node.image = found
    return node

plate, face = image(job["plate"]), image(job["face"])
over, out = tree.nodes.new("CompositorNodeAlphaOver"), tree.nodes.new("NodeGroupOutput")
tree.links.new(plate.outputs[0], over.inputs["Background"])
tree.links.new(face.outputs[0], over.inputs["Foreground"])
tree.links.new(over.outputs[0], out.inputs[0])
render = scene.render
render.resolution_x, render.resolution_y = plate.image.size
render.resolution_percentage = 100
settings = render.image_settings
settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
settings.linear_colorspace_settings.name = "Non-Color"
scene.view_settings.view_transform = "Raw"
render.filepath = job["out"]
scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
scene.collection.objects.link(scene.camera)
bpy.ops.render.render(write_still=True)
"""


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compositor")
    tiny_model(folder / "model")
    truth_track(folder / "track.json")
    consent_file(folder / "consent.json")
    (folder / "recipe.json").write_text(json.dumps({"matte": "hull", "mode": "seamless"}))
    return folder


def swapped(shot, recipe):
    out = shot / f"of_{recipe}" / "s.%04d.exr"
    job = SwapJob(
        plate=str(MINI / "B" / "B.%04d.exr"),
        track=str(shot / "track.json"),
        model=str(shot / "model"),
        consent=str(shot / "consent.json"),
        recipe=str(shot / recipe) if recipe else None,
        out=str(out),
        frames=",".join(map(str, FRAMES)),
    )
    swap(job, Context(shot / "home", device="cpu"))
    return str(out)


def half_steps(first, second, plate):
    """Return the largest difference in steps of half floats, as large as they are at the plate's
    or the result's value: what is added up was rounded to those."""
    size = np.maximum(np.maximum(np.abs(first), np.abs(second)), np.abs(plate))
    step = np.spacing(size.astype(np.float16)).astype(np.float32)
    return float((np.abs(first - second) / step).max())


def _buffer(*channels):
    """Return channels as a picture of OpenImageIO's own."""
    return OpenImageIO.ImageBuf(np.ascontiguousarray(np.stack(channels, axis=-1)))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [None, "recipe.json"])
def test_openimageio_composites_our_layers_to_our_result(shot, recipe):
    out = swapped(shot, recipe)
    for number in FRAMES:
        plate, layers = mini_frame("B", number), read_frame(Path(out % number))
        colors = _buffer(*(plate.channel(name) for name in "RGB"))
        face = _buffer(*(layers.channel(f"fp.{name}") for name in "RGB"))
        matte = _buffer(*[layers.channel("fp_mask.A")] * 3)
        held_out = ImageBufAlgo.sub(colors, ImageBufAlgo.mul(colors, matte))
        over = ImageBufAlgo.add(held_out, face).get_pixels(OpenImageIO.FLOAT)
        ours = read_frame(Path(out % number)).rgb()
        assert half_steps(over, ours, plate.rgb()) <= 2


def blender():
    """Return a Python that has Blender's bpy, or skip."""
    asked = os.environ.get("FACEPLATE_BPY_PYTHON")
    if asked:
        return asked
    if importlib.util.find_spec("bpy") is not None:
        return sys.executable
    return pytest.skip("needs Blender's bpy: pip install bpy, or name a Python that has it in "
                       "FACEPLATE_BPY_PYTHON")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [None, "recipe.json"])
def test_blender_composites_our_layers_to_our_result(shot, tmp_path, recipe):
    python, out = blender(), swapped(shot, recipe)
    for number in FRAMES[:2]:
        layers, plate = read_frame(Path(out % number)), mini_frame("B", number)
        opaque = np.ones(plate.pixels.shape[:2], np.float32)
        plate = plate.only_channels(["R", "G", "B"]).with_channels({"A": opaque})
        face = plate.with_channels(
            {name: layers.channel(f"fp.{name}") for name in "RGB"}
            | {"A": layers.channel("fp_mask.A")}
        )
        job = {name: str(tmp_path / f"{name}.{number}.exr") for name in ("plate", "face", "out")}
        write_frame(plate, Path(job["plate"]), pixel_type="half")
        write_frame(face, Path(job["face"]), pixel_type="half")
        done = subprocess.run(
            [python, "-c", _BLENDER, json.dumps(job)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert half_steps(read_frame(Path(job["out"])).rgb(), layers.rgb(), plate.rgb()) <= 2
