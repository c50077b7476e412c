"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Clips are cached in a folder of the test run, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
