"""The script that puts clips and terrains together."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import read_clip, write_clip
from legged_gym.scripts._placement import moved
from legged_gym.scripts.place_terrain import place_terrain
from legged_gym.terrain.alignment import Alignment
from legged_gym.utils import paths
from legged_gym.utils.errors import TerrainError

STAIRS = paths.data_root() / "retargeted_data/g1/terrain/stairs.npz"


@pytest.fixture
def misplaced(tmp_path: Path) -> Path:
    """The climb of the stairs, 4 cm too high."""
    clip = read_clip(STAIRS)
    by = Alignment(0.04, 0.0, (0.0, 0.0), 0.0, 0.0)
    path = tmp_path / "climb.npz"
    write_clip(dataclasses.replace(moved(clip, by), terrain=str(STAIRS.with_suffix(".obj"))), path)
    return path


def test_a_clip_that_lies_well_is_reported_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    place_terrain([str(STAIRS)])
    out = capsys.readouterr().out
    assert "7 boxes" in out and "contacts on what collides: 886 of 886 over it, +0.0 mm high" in out


def test_a_misplaced_clip_is_put_back_and_written_with_its_mesh(
    misplaced: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "placed", tmp_path / "pictures" / "climb.png"
    place_terrain([str(misplaced), "--align", "z_yaw", "--out", str(out), "--picture", str(picture)])
    assert "raised by -40" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    clip, original = read_clip(out / "climb.npz"), read_clip(STAIRS)
    assert clip.terrain == "stairs.obj" and (out / "stairs.obj").read_bytes()
    np.testing.assert_allclose(clip.root_pos, original.root_pos, atol=0.003)
    assert "raised by -40 mm, turned by 0 degrees" in clip.history[-1]


def test_z_alone_turns_nothing(misplaced: Path, tmp_path: Path) -> None:
    place_terrain([str(misplaced), "--align", "z", "--out", str(tmp_path / "placed")])
    clip, before = read_clip(tmp_path / "placed/climb.npz"), read_clip(misplaced)
    np.testing.assert_allclose(clip.root_quat_wxyz, before.root_quat_wxyz, atol=1e-12)
    assert np.ptp(clip.root_pos - before.root_pos, axis=0) == pytest.approx([0, 0, 0], abs=1e-9)


def test_files_are_not_replaced_unasked(misplaced: Path, tmp_path: Path) -> None:
    arguments = [str(misplaced), "--out", str(tmp_path / "placed")]
    place_terrain(arguments)
    with pytest.raises(
        TerrainError, match=r"climb\.npz, .*stairs\.obj exists already; --overwrite replaces it"
    ):
        place_terrain(arguments)
    place_terrain([*arguments, "--overwrite"])


def test_a_clip_without_terrain_needs_one(tmp_path: Path) -> None:
    flat = STAIRS.parents[1] / "stand.npz"
    with pytest.raises(TerrainError, match=r"stand\.npz: names no terrain; give one with --terrain"):
        place_terrain([str(flat)])


def test_a_mesh_elsewhere_is_refused(misplaced: Path) -> None:
    clip = read_clip(misplaced)
    write_clip(dataclasses.replace(clip, root_pos=clip.root_pos + np.array([30.0, 0.0, 0.0])), misplaced)
    with pytest.raises(TerrainError, match=r"stairs\.obj: is not under .*climb\.npz: in x the mesh spans"):
        place_terrain([str(misplaced)])


def test_a_turn_moves_root_and_links_together() -> None:
    clip = read_clip(STAIRS)
    assert isinstance(clip, Clip)
    by = Alignment(0.1, 0.5, (1.0, 2.0), 0.0, 0.0)
    after = moved(clip, by)
    np.testing.assert_allclose(after.root_pos, by.points(clip.root_pos))
    if clip.links is not None:
        root = clip.links.names.index("pelvis")
        np.testing.assert_allclose(after.links.pos_w[:, root], after.root_pos, atol=1e-6)


def test_a_mesh_of_another_clip_is_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place_terrain([str(STAIRS), "--terrain", str(STAIRS.with_name("slope.obj"))])
    out = capsys.readouterr().out
    assert "most contacts are more than 20 mm off: is the mesh upside down, in another place or unit" in out
    place_terrain([str(STAIRS)])
    assert "most contacts" not in capsys.readouterr().out


def test_hands_are_contacts_as_well(shared_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared_dir / "data/g1/crawl_slope"
    place_terrain([str(folder / "motion.npz"), "--terrain", str(folder / "terrain.obj")])
    assert re.search(
        r"left foot, \d+ frames of the right foot, 4\d\d frames of the left hand", capsys.readouterr().out
    )
