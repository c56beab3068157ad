import av
import numpy as np
import pytest

from faceplate.io.ycbcr import planar_to_rgb, upsample


def flat(layout: str, bits: int, codes: tuple[int, ...], matrix: int, full: bool) -> av.VideoFrame:
    frame = av.VideoFrame(16, 16, layout)
    kind = np.dtype(np.uint8 if bits == 8 else "<u2")
    for plane, code in zip(frame.planes, codes, strict=True):
        plane.update(np.full(plane.buffer_size // kind.itemsize, code, kind).tobytes())
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


# Rec.709, ITU-T H.273 equations: R' = Y' + 1.5748 Cr, G' = Y' - 0.1873 Cb - 0.4681 Cr,
# B' = Y' + 1.8556 Cb; Rec.601: 1.402, 0.344136 and 0.714136, 1.772.
R709 = np.array([[1, 0, 1.5748], [1, -0.187324, -0.468124], [1, 1.8556, 0]])
R601 = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])


@pytest.mark.parametrize(
    ("layout", "bits"),
    [("yuv420p", 8), ("yuv422p", 8), ("yuv444p", 8), ("yuv420p10le", 10), ("yuv444p12le", 12)],
)
@pytest.mark.parametrize(("matrix", "equations"), [(1, R709), (6, R601)])
@pytest.mark.parametrize("full", [False, True])
def test_flat_patches_follow_the_equations(
    layout: str, bits: int, matrix: int, equations: np.ndarray, full: bool
) -> None:
    scale = 1 << (bits - 8)
    codes = (150 * scale, 100 * scale, 170 * scale)
    top = 2**bits - 1
    black, luma, chroma = (0, top, top) if full else (16 * scale, 219 * scale, 224 * scale)
    parts = [
        (codes[0] - black) / luma,
        (codes[1] - 128 * scale) / chroma,
        (codes[2] - 128 * scale) / chroma,
    ]
    rgb = planar_to_rgb(flat(layout, bits, codes, matrix, full))
    assert rgb is not None
    assert rgb.shape == (16, 16, 3)
    assert rgb.dtype == np.float32
    np.testing.assert_allclose(rgb, np.broadcast_to(equations @ parts, (16, 16, 3)), atol=2e-5)


def test_black_white_and_beyond_in_video_range() -> None:
    for code, value in ((16, 0.0), (235, 1.0), (255, 239 / 219), (1, -15 / 219)):
        rgb = planar_to_rgb(flat("yuv420p", 8, (code, 128, 128), 1, full=False))
        np.testing.assert_allclose(rgb, value, atol=1e-6)


def test_untagged_video_is_rec601_below_720_lines_and_rec709_above() -> None:
    codes = (120, 90, 160)
    small = planar_to_rgb(flat("yuv444p", 8, codes, 2, full=False))
    tagged = planar_to_rgb(flat("yuv444p", 8, codes, 6, full=False))
    assert small is not None
    assert (small == tagged).all()
    large = av.VideoFrame(16, 720, "yuv444p")
    for plane, code in zip(large.planes, codes, strict=True):
        plane.update(bytes([code]) * plane.buffer_size)
    large.colorspace, large.color_range = 2, 1
    rgb = planar_to_rgb(large)
    hd = planar_to_rgb(flat("yuv444p", 8, codes, 1, full=False))
    assert rgb is not None
    assert hd is not None
    assert (rgb[0, 0] == hd[0, 0]).all()


def test_grey_is_repeated_and_alpha_is_kept() -> None:
    grey = planar_to_rgb(flat("gray", 8, (51,), 2, full=True))
    np.testing.assert_allclose(grey, 0.2, atol=1e-6)
    clear = planar_to_rgb(flat("yuva444p", 8, (235, 128, 128, 51), 1, full=False))
    assert clear is not None
    np.testing.assert_allclose(clear[0, 0], [1, 1, 1, 0.2], atol=1e-6)


def test_what_is_not_planar_is_left_to_others() -> None:
    for layout in ("rgb24", "gbrp", "yuyv422", "nv12", "yuv411p", "grayf32le"):
        assert planar_to_rgb(av.VideoFrame(16, 16, layout)) is None


def test_chroma_is_sited_left_and_between_the_rows() -> None:
    # A ramp over luma positions x, y, taken where MPEG puts its chroma: x = 2i, y = 2j + 0.5.
    ramp = lambda x, y: 3.0 * x + 5.0 * y  # noqa: E731 - the formula says it best
    rows, columns = np.mgrid[0:5, 0:6]
    chroma = ramp(2.0 * columns, 2.0 * rows + 0.5).astype(np.float32)
    up = upsample(chroma, (10, 12))
    y, x = np.mgrid[0:10, 0:12]
    np.testing.assert_allclose(up[1:-1, :-1], ramp(x, y)[1:-1, :-1], atol=1e-4)
    assert upsample(chroma, (9, 11)).shape == (9, 11)
    assert upsample(chroma, (5, 6)) is chroma
