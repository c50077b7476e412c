"""The script that changes the ground of a clip, and the clips it writes in training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from legged_gym.motion.formats import read_clip
from legged_gym.scripts.vary_terrain import vary_terrain
from legged_gym.utils import paths, task_registry
from legged_gym.utils.errors import ConfigError, TerrainError

TERRAIN = paths.data_root() / "retargeted_data/g1/terrain"
BOX = TERRAIN / "box.npz"


def vertices(path: Path) -> np.ndarray:
    """(V, 3) m, in an order that a change of height does not change."""
    points = np.unique(np.round(trimesh.load(path, force="mesh").vertices, 5), axis=0)
    return points[np.lexsort(points.T[[2, 1, 0]])]


def top(path: Path) -> np.ndarray:
    """(4, 3) corners of the top of the box, m."""
    points = vertices(path)
    return points[points[:, 2] > 0.05]


def test_raising_moves_only_what_is_above_the_ground(workdir) -> None:
    vary_terrain([str(BOX), "--out=higher", "--raise_by=0.03"])
    before, after = vertices(TERRAIN / "box.obj"), vertices(workdir / "higher/box.obj")
    above = before[:, 2] > 0.01
    assert above.any() and not above.all()
    np.testing.assert_allclose(after[above] - before[above], [[0.0, 0.0, 0.03]] * above.sum(), atol=1e-5)
    np.testing.assert_allclose(after[~above], before[~above], atol=1e-5)


def test_what_is_lowered_too_far_ends_as_ground(workdir) -> None:
    vary_terrain([str(BOX), "--out=lower", "--raise_by=-9"])
    before = vertices(TERRAIN / "box.obj")
    after = trimesh.load(workdir / "lower/box.obj", force="mesh").vertices
    assert before[:, 2].max() > 0.1
    assert after[:, 2].max() == pytest.approx(0.0, abs=1e-6)  # the ground the box stands on
    assert after[:, 2].min() == pytest.approx(before[:, 2].min(), abs=1e-5)


def test_a_shift_moves_all_of_the_ground_and_nothing_of_the_motion(workdir) -> None:
    vary_terrain([str(BOX), "--out=aside", "--shift", "0.08", "-0.03"])
    before, after = vertices(TERRAIN / "box.obj"), vertices(workdir / "aside/box.obj")
    np.testing.assert_allclose(after - before, [[0.08, -0.03, 0.0]] * len(before), atol=1e-5)
    clip, original = read_clip(workdir / "aside/box.npz"), read_clip(BOX)
    assert clip.terrain == "box.obj"
    for name in ("dof_pos", "root_pos", "root_quat_wxyz"):
        np.testing.assert_array_equal(getattr(clip, name), getattr(original, name))


def test_many_changes_are_within_the_given_ones_and_the_seeds(workdir) -> None:
    options = [str(BOX), "--count=4", "--raise_by=0.05", "--shift", "0.08", "0"]
    vary_terrain([*options, "--out=one", "--seed=4"])
    vary_terrain([*options, "--out=again", "--seed=4"])
    vary_terrain([*options, "--out=other", "--seed=5"])
    names = [f"box_{k:02d}.obj" for k in range(4)]
    assert sorted(f.name for f in (workdir / "one").glob("*.obj")) == names
    assert len(list((workdir / "one").glob("*.npz"))) == 4
    moved = np.array([(top(workdir / "one" / name) - top(TERRAIN / "box.obj"))[0] for name in names])
    assert (np.abs(moved) <= [0.08001, 1e-5, 0.05001]).all()
    for axis in (0, 2):  # up and down, either way, no two alike
        assert len(np.unique(moved[:, axis])) == 4 and moved[:, axis].min() < 0.0 < moved[:, axis].max()
    for name in names:
        text = (workdir / "one" / name).read_bytes()
        assert text == (workdir / "again" / name).read_bytes() != (workdir / "other" / name).read_bytes()


def test_files_are_not_replaced_unasked(workdir) -> None:
    vary_terrain([str(BOX), "--out=out", "--raise_by=0.03"])
    kept = (workdir / "out/box.obj").read_bytes()
    with pytest.raises(TerrainError, match=r"box\.npz, .*box\.obj exists already; --overwrite replaces it"):
        vary_terrain([str(BOX), "--out=out", "--raise_by=0.05"])
    assert (workdir / "out/box.obj").read_bytes() == kept
    vary_terrain([str(BOX), "--out=out", "--raise_by=0.05", "--overwrite"])
    assert (workdir / "out/box.obj").read_bytes() != kept


def test_what_cannot_be_changed_is_refused(workdir) -> None:
    with pytest.raises(TerrainError, match=r"stand\.npz: names no terrain"):
        vary_terrain([str(TERRAIN.parent / "stand.npz"), "--out=out"])
    with pytest.raises(ConfigError, match="--count=0: must be at least 1"):
        vary_terrain([str(BOX), "--out=out", "--count=0"])
    assert not (workdir / "out").exists()


def test_training_takes_the_changed_grounds_beside_each_other(workdir) -> None:
    vary_terrain([str(BOX), "--out=varied", "--count=2", "--raise_by=0.05"])
    spec = task_registry.get("g1_deepmimic")
    cfg = spec.configure().env
    cfg.env.num_envs, cfg.sim.num_threads = 2, 1
    cfg.deepmimic.amass_replay_data_path = ["varied/*.npz"]
    env = spec.load_env_class()(cfg, seed=1)
    assert sorted(env.data.clip_names) == ["box_00", "box_01"]
    env.reset_to(torch.arange(2), env.data.clip_start.clone(), noisy=False)
    tops = [top(workdir / f"varied/{name}.obj") for name in env.data.clip_names]
    assert abs(tops[0][0, 2] - tops[1][0, 2]) > 0.01
    points = env.env_offsets[:, None, :2] + torch.tensor(tops[0].mean(axis=0)[:2], dtype=torch.float32)
    heights = env.terrain.heights(env.tile, points)[:, 0].tolist()
    assert heights == pytest.approx([corners[0, 2] for corners in tops], abs=1e-3)
