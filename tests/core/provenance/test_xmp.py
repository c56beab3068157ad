import cv2
import numpy as np
import pytest
from OpenImageIO import ImageInput

from faceplate.errors import BadSettings
from faceplate.provenance.header import DIGITAL_SOURCE_TYPE
from faceplate.provenance.xmp import with_source_type

PICTURE = np.random.default_rng(1).integers(0, 255, (24, 40, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_another_reader_finds_the_source_type_and_the_same_pixels(tmp_path, suffix) -> None:
    """OpenImageIO reads XMP by itself."""
    plain = cv2.imencode(suffix, PICTURE)[1].tobytes()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(with_source_type(plain))

    source = ImageInput.open(str(path))
    found = {each.name: each.value for each in source.spec().extra_attribs}
    source.close()
    assert DIGITAL_SOURCE_TYPE in [value for value in found.values() if isinstance(value, str)]
    assert with_source_type(plain) == path.read_bytes()
    assert np.array_equal(cv2.imdecode(np.frombuffer(plain, np.uint8), 1), cv2.imread(str(path)))


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(BadSettings, match="PNG and JPEG"):
        with_source_type(b"EXR")
