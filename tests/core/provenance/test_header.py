from typing import Any

import pytest

from faceplate import __version__
from faceplate.errors import BadSettings
from faceplate.provenance.header import header_strings, software_history

VALUES: dict[str, Any] = {
    "model_sha256": "0" * 64,
    "likeness": "p1A",
    "consent_id": "C-001",
    "input_sha256": "1" * 64,
    "params_sha256": "2" * 64,
    "frame": 1001,
    "ocio_config": "studio-config-v4.0.0_aces-v2.0_ocio-v2.5",
    "ocio_space": "ACEScg",
    "ocio_sha256": "3" * 64,
}


def test_every_frame_says_what_it_is_and_how_it_was_made() -> None:
    assert header_strings(**VALUES, sidecar="s.provenance.json", job_id="7") == {
        "faceplate:consentId": "C-001",
        "faceplate:digitalSourceType": (
            "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
        ),
        "faceplate:frame": "1001",
        "faceplate:generator": f"Faceplate {__version__}",
        "faceplate:inputSha256": "1" * 64,
        "faceplate:jobId": "7",
        "faceplate:likeness": "p1A",
        "faceplate:modelSha256": "0" * 64,
        "faceplate:ocio": "studio-config-v4.0.0_aces-v2.0_ocio-v2.5 | ACEScg",
        "faceplate:ocioSha256": "3" * 64,
        "faceplate:params": "2" * 64,
        "faceplate:sidecar": "s.provenance.json",
    }


def test_the_same_frame_has_the_same_strings_in_the_same_order() -> None:
    assert list(header_strings(**VALUES).items()) == list(header_strings(**VALUES).items())
    assert list(header_strings(**VALUES)) == sorted(header_strings(**VALUES))


def test_what_is_not_known_is_left_out_but_missing_consent_is_said() -> None:
    strings = header_strings(**{**VALUES, "consent_id": None})

    assert strings["faceplate:consentId"] == "none"
    assert "faceplate:jobId" not in strings
    assert "faceplate:proxyScale" not in strings
    assert header_strings(**VALUES, scale=0.25)["faceplate:proxyScale"] == "0.25"
    assert "faceplate:sidecar" not in strings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("model_sha256", "abc", "faceplate:modelSha256: expected 64 hex digits"),
        ("input_sha256", "", "faceplate:inputSha256: expected 64 hex digits"),
        ("params_sha256", "G" * 64, "faceplate:params: expected 64 hex digits"),
        ("likeness", " ", "faceplate:likeness is empty"),
        ("consent_id", "", "faceplate:consentId is empty"),
    ],
)
def test_a_string_that_says_nothing_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        header_strings(**{**VALUES, name: value})


def test_the_history_of_a_file_goes_on_with_our_name() -> None:
    ours = f"Faceplate {__version__}"

    assert software_history(None) == ours
    assert software_history(" ") == ours
    assert software_history("Nuke 16.0v4") == f"Nuke 16.0v4; {ours}"
    assert software_history(software_history("Nuke 16.0v4")) == f"Nuke 16.0v4; {ours}; {ours}"
