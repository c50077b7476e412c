"""Terrain of blocks: its heights, its tilt, and its mesh read back by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from legged_gym.motion.synthesis.terrain import LEVEL, Block, Terrain, obj_text
from legged_gym.terrain.mesh_ground import mesh_ground

HILL = Terrain(
    (
        Block("ramp", (0.0, 1.0), (-0.5, 0.5), (0.0, 0.4)),
        Block("top", (1.0, 1.5), (-0.6, 0.6), (0.4, 0.4)),
        Block("stair", (1.5, 1.8), (-0.5, 0.5), (0.2, 0.2)),
    )
)


def test_height_is_that_of_the_highest_block() -> None:
    points = np.array([(-1.0, 0.0), (0.5, 0.0), (0.5, 0.55), (1.2, 0.55), (1.5, 0.0), (1.7, 0.0)])
    np.testing.assert_allclose(HILL.height(points), [0.0, 0.2, 0.0, 0.4, 0.4, 0.2])
    assert HILL.height(np.zeros((2, 3, 2))).shape == (2, 3)


def test_normal_leans_back_from_the_rise() -> None:
    np.testing.assert_allclose(
        HILL.normal(np.array([0.5, 0.1])), np.array([-0.4, 0.0, 1.0]) / np.hypot(0.4, 1.0)
    )
    np.testing.assert_allclose(LEVEL.normal(np.array([3.0, 1.0])), [0.0, 0.0, 1.0])


def test_mesh_is_closed_and_has_the_terrains_heights(tmp_path: Path) -> None:
    path = tmp_path / "hill.obj"
    path.write_text(obj_text(HILL), encoding="utf-8")
    mesh = trimesh.load(path, force="mesh")
    assert mesh.is_watertight
    assert mesh.volume > 0.0  # faces look outwards
    assert len(mesh.split()) == 4  # the ground and three blocks
    assert all(part.is_convex for part in mesh.split())
    points = np.random.default_rng(0).uniform((-2.9, -2.9), (4.7, 2.9), (500, 2))
    np.testing.assert_allclose(mesh_ground(path)(points), HILL.height(points), atol=1e-6)


def test_ground_reaches_3_m_past_the_blocks() -> None:
    lines = [line.split() for line in obj_text(HILL).splitlines() if line.startswith("v ")]
    x = [float(line[1]) for line in lines]
    assert (min(x), max(x)) == pytest.approx((-3.0, 4.8))
