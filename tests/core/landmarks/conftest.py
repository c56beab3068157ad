"""Weights of the Face Alignment Network that are correctly shaped and mean nothing."""

from pathlib import Path

import pytest
import torch
from face_alignment.models import FAN


@pytest.fixture(scope="session")
def fan_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file as PyTorch wrote it when FAN was published.

    No batches were counted then, and files were no zip archives.
    """
    torch.manual_seed(0)
    state = {
        name: value
        for name, value in FAN(4).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    path = tmp_path_factory.mktemp("fan") / "FAN4.pth.tar"
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path
