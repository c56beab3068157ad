"""The recipe: every setting of a merge, at one frame.

`merge/animated.py` reads it from its file, with presets and values that change over the frames.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from faceplate.color.transfer import TransferName
from faceplate.errors import BadSettings, near_names
from faceplate.merge.settings import FACE, Span, check_values

__all__ = [
    "Direction",
    "Domain",
    "Interpolation",
    "MATTE_TERMS",
    "Mode",
    "Occlusion",
    "Recipe",
    "SECTIONS",
    "matte_terms",
]

Mode = Literal[
    "original", "overlay", "hist-match", "seamless", "seamless-hist-match", "multiband", "raw-rgb",
    "raw-predict",
]  # fmt: skip
Direction = Literal["likeness", "performer"]
Domain = Literal["linear", "log", "robust"]
Interpolation = Literal["linear", "cubic", "lanczos"]
MatteUnit = Literal["face", "pixels"]
FromTrack = Literal["auto", "frame", "track"]
Occlusion = Literal["none", "learned", "segmented", "external"]
Sharpen = Literal["none", "box", "gaussian"]

MATTE_TERMS = {
    "full": "the whole crop",
    "hull": "the face inside its landmarks, with some of the forehead",
    "learned": "the same as `product`",
    "learned-likeness": "the network's own matte of the face that it made",
    "learned-performer": "the network's own matte of the face that it saw",
    "product": "learned-likeness times learned-performer",
    "sum": "learned-likeness plus learned-performer, up to 1",
    "segmented": "both of the next two, multiplied",
    "segmented-likeness": "what the segmenter finds in the predicted face",
    "segmented-performer": "what the segmenter finds in the plate",
    "external": "a layer of the plate, or of the files of mattes that the job names",
}
"""What a matte can be made of."""

SECTIONS = {
    "Mode": "mode",
    "Colour": "transfer",
    "Histogram, Poisson, bands": "hist_threshold",
    "Matte": "matte",
    "Edge of the matte": "edge_unit",
    "Occlusion": "occlusion",
    "Detail of the face": "super_resolution",
    "Camera": "motion_blur",
    "Degrading the face": "denoise",
    "Output": "output_scale",
}
"""Title of each group of settings, and the first of them."""

_PIXELS = 400.0
_EDGE_LIMITS = {"erode": (-30.0, 30.0), "blur": (0.0, 60.0), "feather": (0.0, 60.0)}
_SIDES = ("", "_top", "_bottom", "_left", "_right")


@dataclass(frozen=True)
class Recipe:
    """How a predicted face is brought into the plate.

    *% of face width*: per cent of the side of the alignment template's square, from the outer end
    of one brow to that of the other on a face seen from the front. It comes from the similarity of
    the crop, so it does not shrink as the head turns.

    Raises:
        BadSettings: A value outside its range or its choices.

    Example:
        >>> Recipe(feather=8.0).transfer
        'relight'
    """

    mode: Mode = "overlay"
    """How the face is laid in. `overlay`: as a delta under the matte. `hist-match`: its histograms
    are matched to the plate's first. `seamless`: its gradients are kept and its boundary is the
    plate's (Poisson). `seamless-hist-match`: both. `multiband`: coarse bands blend wide, fine bands
    narrow. `original`: the plate; the other layers are made. `raw-rgb`: the predicted square in the
    plate without a matte. `raw-predict`: the prediction itself, in a frame of its own size."""
    direction: Direction = "likeness"
    """Whose face the network makes: the `likeness` in the performer's plate, or the `performer` in
    a plate of the likeness."""

    transfer: TransferName = "relight"
    """What brings the swap to the plate's colours and light: `relight` exchanges its low
    frequencies for the plate's, the others move its colours as a whole; `none` leaves it alone."""
    transfer_amount: Annotated[float, Span(0, 100, "%")] = 100.0
    """How much of the transfer is taken."""
    transfer_statistics: FromTrack = "auto"
    """Where the colours are measured: in the `frame`; in the `track`, smoothed over the shot, as
    `faceplate measure` wrote them there; `auto` takes the track's where it has them."""
    relight_radius: Annotated[float, Span(1, 100, FACE)] = 12.0
    """Sigma of the low pass of `relight`. Small: more of the plate's shading and of its features;
    large: more of the likeness's own shading."""
    relight_levels: Annotated[int, Span(1, 4)] = 1
    """Radii that `relight` uses, each half of the one before, averaged."""
    relight_edge: Annotated[float, Span(0, 100, "%")] = 50.0
    """How far the low pass of `relight` leaves out what is no light, such as a brow that only one
    of the faces has: 0 is a plain Gaussian."""

    hist_threshold: Annotated[float, Span(0, 1, "quantile")] = 0.933
    """Up to which quantile the histograms are matched; above, the last match goes on."""
    hist_masked: bool = True
    """Whether histograms are of the pixels under the matte only, or of the whole crop."""
    poisson_domain: Domain = "robust"
    """What the Poisson solve works on: scene-`linear` values, their `log`, or their logarithm with
    a boundary that single highlights cannot pull (`robust`)."""
    poisson_iterations: Annotated[int, Span(1, 30)] = 6
    """Steps of the Poisson solver after which it stands to 1e-4, or other means are taken."""
    multiband_levels: Annotated[int, Span(0, 10)] = 0
    """Bands of `multiband`; 0 takes as many as fit the face."""

    matte: str = "learned*hull"
    """What the face is laid in with: a term or a product of terms joined by `*`. full, hull,
    learned-likeness, learned-performer, product, sum, learned (the product), segmented,
    segmented-likeness, segmented-performer, external."""
    learned_from: FromTrack = "auto"
    """Which learned mattes are used: the `frame`'s own; those in the `track`, smoothed over the
    shot, as `faceplate measure` wrote them there; `auto` takes the track's where it has them."""
    segmenter: str = "xseg"
    """Which segmenter makes the `segmented` mattes: a name, or the path of a mask model."""
    matte_layer: str = "A"
    """Channel that `external` reads, such as `roto.A`."""
    opacity: Annotated[float, Span(0, 1)] = 1.0
    """The matte is multiplied by this."""

    edge_unit: MatteUnit = "face"
    """The unit of erode, blur and feather: `face`, % of face width, or `pixels` of the plate.
    Erode reaches from -30 to 30 % or from -400 to 400 pixels, the others from 0 to 60 % or to 400
    pixels. At each side, what is given for it is added; sides are the face's own: top is the
    forehead, left is left in the picture of an upright head."""
    erode: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """How far the matte is drawn in before it is softened; below 0 it grows."""
    erode_top: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to erode at the forehead."""
    erode_bottom: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to erode at the chin."""
    erode_left: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to erode at the left cheek."""
    erode_right: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to erode at the right cheek."""
    blur: Annotated[float, Span(0, _PIXELS, "edge_unit")] = 0.0
    """Width of a softening of the whole matte, half of it outwards."""
    blur_top: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to blur at the forehead."""
    blur_bottom: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to blur at the chin."""
    blur_left: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to blur at the left cheek."""
    blur_right: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to blur at the right cheek."""
    feather: Annotated[float, Span(0, _PIXELS, "edge_unit")] = 8.0
    """Width of the soft edge, % of face width or what edge_unit says; all of it lies inside the
    eroded matte."""
    feather_top: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to feather at the forehead."""
    feather_bottom: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to feather at the chin."""
    feather_left: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to feather at the left cheek."""
    feather_right: Annotated[float, Span(-_PIXELS, _PIXELS, "edge_unit")] = 0.0
    """Added to feather at the right cheek."""

    occlusion: Occlusion = "learned"
    """How what covers the face is measured, for the layer `fp_occ`: the part of the hull that the
    `learned` matte of the performer leaves out, or that the `segmented` plate does; an `external`
    layer; or `none`."""
    occlusion_layer: str = "occ.A"
    """Channel that an `external` occlusion is read from: 1 where the face is covered."""
    occlusion_holdout: Annotated[float, Span(0, 100, "%")] = 0.0
    """How far the occlusion is taken out of the matte."""

    super_resolution: str = "none"
    """Which upscaler refines the predicted face, or `none`."""
    super_resolution_power: Annotated[float, Span(0, 100, "%")] = 100.0
    """How much of its result is taken; the rest is a cubic enlargement."""
    sharpen: Sharpen = "none"
    """Filter that the face is sharpened against."""
    sharpen_amount: Annotated[float, Span(-100, 100)] = 0.0
    """`box` adds this many times what its filter takes away, `gaussian` half as many times. Below 0
    either softens: with medians of 5 x 5 pixels, one for each ten."""
    sharpen_size: Annotated[int, Span(3, 31, "pixels of the crop")] = 3
    """Side of the filter's kernel; an even one counts as the next odd one."""
    detail: Annotated[float, Span(0, 200, "%")] = 0.0
    """How much of the plate's finest detail (pores, film texture) is laid over the face."""
    detail_radius: Annotated[float, Span(0.2, 20, FACE)] = 1.5
    """Sigma that tells detail from form."""

    motion_blur: Annotated[float, Span(0, 200, "% of the frame's motion")] = 0.0
    """Length of the motion blur, from the track: 50 is a shutter of 180 degrees."""
    defocus: Annotated[float, Span(0, 200, "%")] = 0.0
    """How far the face is brought to the blur that is measured in the plate's face."""
    defocus_size: Annotated[float, Span(0, 100, "plate pixels")] = 0.0
    """Diameter of a further defocus, of a round aperture."""
    grain: Annotated[float, Span(0, 400, "%")] = 0.0
    """How much of the plate's noise, measured by luminance, is added to the face; 100 matches."""
    grain_seed: Annotated[int, Span(0, 2**31 - 1)] = 0
    """Another number gives other grain. It does not depend on anything but this, the frame and the
    place in the plate."""

    denoise: Annotated[float, Span(0, 500, "%")] = 0.0
    """Medians of 5 x 5 pixels over the face: one of this many per cent, then one of ten less, and
    so on; above 100 each counts whole."""
    bicubic_degrade: Annotated[float, Span(0, 100, "%")] = 0.0
    """How far the face is made smaller and larger again: its scale is 1 - this / 101."""
    color_degrade: Annotated[float, Span(0, 100, "%")] = 0.0
    """How much of the face is shown in 256 colours."""

    output_scale: Annotated[float, Span(-50, 50, "%")] = 0.0
    """How much larger the face comes back than it was taken."""
    interpolation: Interpolation = "cubic"
    """Filter that takes the predicted face back to the plate. Mattes are always linear."""

    def __post_init__(self) -> None:
        check_values(self, "recipe")
        matte_terms(self.matte)
        if self.edge_unit == "face":
            self._check_face_lengths()

    def _check_face_lengths(self) -> None:
        for edge, (low, high) in _EDGE_LIMITS.items():
            for side in _SIDES:
                value = getattr(self, edge + side)
                if not (-high if side else low) <= value <= high:
                    raise BadSettings(
                        f"recipe: {edge}{side} must be from {-high if side else low:g} to {high:g} "
                        f"{FACE} while edge_unit is face, got {value!r}"
                    )


def matte_terms(matte: str) -> tuple[str, ...]:
    """Return the terms of a matte's product.

    Raises:
        BadSettings: An unknown term; the message names the nearest.

    Example:
        >>> matte_terms("learned*hull")
        ('learned', 'hull')
    """
    terms = tuple(term.strip() for term in matte.split("*"))
    for term in terms:
        if term not in MATTE_TERMS:
            near = near_names(term, MATTE_TERMS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(MATTE_TERMS)}"
            raise BadSettings(f"recipe: matte: there is no matte {term!r}; {hint}")
    return terms
