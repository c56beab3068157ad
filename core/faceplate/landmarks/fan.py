"""The Face Alignment Network, as the face-alignment package builds it.

A. Bulat and G. Tzimiropoulos, "How far are we from solving the 2D & 3D Face Alignment problem?",
ICCV 2017. The weights come from the store only: the package's own download is never reached.
Cropping and the reading of the heatmaps are ours: the package rounds both to whole pixels.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from face_alignment.models import FAN

from faceplate.geometry.points import Points, invert, transform
from faceplate.geometry.warp import warp_crop
from faceplate.io.torchfile import FastNet, load_state
from faceplate.landmarks import Landmarks, Place, roll_of
from faceplate.landmarks.crop import check_face, upright_box, view_to_place

__all__ = ["Fan2D", "Fan3D", "heatmap_peaks"]

_SIDE = 256
_HOURGLASSES = 4
_UP_OF_HEIGHT = 0.12  # the box's centre moves up by this before the crop
_CROP_OF_BOX = 200 / 195  # side of the crop / (width + height of the box)
_FOREHEAD = 0.25  # from the brows up, of the way from the chin to the bridge of the nose


class Fan2D:
    """68 points that follow the visible contour.

    Args:
        weights: File of the card `2dfan4`.
        threads: Kept for the protocol; PyTorch's threads are set once per process, not here.

    Raises:
        Damaged: The file is not this network.
    """

    cards: tuple[str, ...] = ("2dfan4",)

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        net = FAN(_HOURGLASSES)
        load_state(net, weights, "FAN")
        self._net = FastNet(net)

    def __call__(
        self,
        view: npt.NDArray[np.float32],
        box: tuple[float, float, float, float],
        roll_hint: float | None = None,
    ) -> Landmarks:
        """Return the points of the face in a box; presence is the mean peak. Raises BadShape."""
        return self.look(view, _place_of(*check_face(view, box), roll_hint or 0.0))

    def place(self, found: Landmarks) -> Place:
        """Return the square around points, turned as their eyes are."""
        points = found.points68
        roll = roll_of(points[36:42].mean(axis=0), points[42:48].mean(axis=0))
        forehead = points[17:27] + _FOREHEAD * (points[27] - points[8])
        return _place_of(*upright_box(np.concatenate([points, forehead]), roll), roll)

    def look(self, view: npt.NDArray[np.float32], place: Place) -> Landmarks:
        """Return the points of the face that fills a place; presence is the mean peak."""
        to_crop = view_to_place(place, _SIDE)
        crop = warp_crop(view, to_crop, _SIDE, draft=True, border="zero")
        clean = np.clip(np.nan_to_num(crop, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
        answers = self._net(torch.from_numpy(clean.transpose(2, 0, 1)[None].copy()))
        maps = answers[-1][0].numpy()
        points, peaks = heatmap_peaks(maps)  # (68, 2), (68,)
        zoom = _SIDE / maps.shape[-1]
        in_crop = (points + 0.5) * zoom - 0.5
        presence = float(np.clip(peaks.mean(), 0, 1))
        return Landmarks(transform(in_crop, invert(to_crop)), presence)


def _place_of(centre: Points, width: float, height: float, roll: float) -> Place:
    """Return the crop of a box; it moves up as the head is tilted."""
    up = np.array([-np.sin(np.radians(roll)), -np.cos(np.radians(roll))])
    raised = centre + _UP_OF_HEIGHT * height * up
    return Place((raised[0], raised[1]), (width + height) * _CROP_OF_BOX, roll)


class Fan3D(Fan2D):
    """68 points on the head's surface, seen or not: better for profiles."""

    cards = ("3dfan4",)


def heatmap_peaks(maps: npt.NDArray[np.float32]) -> tuple[Points, npt.NDArray[np.float32]]:
    """Return where each map is highest, a quarter pixel towards the higher neighbour, and how high.

    Args:
        maps: NxHxW.

    Returns:
        Nx2 x, y in pixels of the map (the centre of the top left one is (0, 0)); N heights.
    """
    count, _, width = maps.shape
    flat = maps.reshape(count, -1)
    best = flat.argmax(axis=1)
    y, x = np.divmod(best, width)
    rows = np.arange(count)
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="edge")
    dx = padded[rows, y + 1, x + 2] - padded[rows, y + 1, x]
    dy = padded[rows, y + 2, x + 1] - padded[rows, y, x + 1]
    points = np.stack([x + 0.25 * np.sign(dx), y + 0.25 * np.sign(dy)], axis=1)
    return points.astype(np.float64), flat[rows, best]
