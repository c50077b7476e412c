"""Fixtures every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from legged_gym.utils.threads import use_passive_threads

use_passive_threads()  # before any test imports torch
REPO = Path(__file__).resolve().parents[1]


@pytest.fixture
def shared_dir() -> Path:
    """Folder of real motions beside the checkout; tests that need it skip where it is absent."""
    folder = REPO.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder of real data at {folder}")
    return folder
