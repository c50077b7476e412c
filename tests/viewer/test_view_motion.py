"""Clips and terrain files on the page, without a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.formats.npz_file import read_npz
from legged_gym.scripts.view_motion import ViewArgs, view_motion
from legged_gym.utils.errors import ConfigError, LeggedGymError, TerrainError
from tests.viewer.servers import free_server

SLAB = """v -3 -3 0\nv 3 -3 0\nv 3 3 0\nv -3 3 0
v 0.4 -3 0\nv 0.4 3 0\nv 0.4 -3 0.15\nv 3 -3 0.15\nv 3 3 0.15\nv 0.4 3 0.15
f 1 5 6\nf 1 6 4\nf 7 8 9\nf 7 9 10\nf 5 7 10\nf 5 10 6\n"""
"""A floor with a step up to 0.15 m at x = 0.4 m."""


@pytest.fixture
def view() -> Iterator[Callable[..., object]]:
    """Builds viewers of clips; their servers stop when the test ends."""
    from legged_gym.scripts import _viewing

    made = []

    def make(*clips: str, **options: object) -> object:
        made.append(_viewing.make_motion_viewer(ViewArgs(tuple(clips), **options), free_server()))
        return made[-1]

    yield make
    for viewer in made:
        viewer.server.stop()


def test_a_clip_moves_all_joints_of_the_robot_as_its_file_says(view, clip_folder: Path) -> None:
    viewer = view(str(clip_folder / "short.npz"))
    session = viewer.session
    assert session.stage.names == ["short"] and session.kinematic and session.player is None
    assert any("wrist" in name for name in session.env.joint_names)
    for _ in range(7):
        viewer._step()
    expected = read_npz(clip_folder / "short.npz").dof_pos[7]
    np.testing.assert_allclose(session.env.sim.dof_pos[0].numpy(), expected, atol=1e-5)


def test_what_needs_a_policy_is_not_on_the_page(view, clip_folder: Path) -> None:
    viewer = view(str(clip_folder))
    assert not hasattr(viewer, "policy") and not hasattr(viewer, "physics")


def test_a_clip_is_put_on_the_mesh_that_is_given(view, clip_folder: Path, tmp_path: Path) -> None:
    mesh = tmp_path / "slab.obj"
    mesh.write_text(SLAB)
    viewer = view(str(clip_folder / "short.npz"), terrain=mesh)
    viewer.scene.update()
    assert not viewer.session.env.terrain.is_flat
    (tile, _), *_ = viewer.scene.ground.shown
    vertices, _ = viewer.session.env.terrain.layout.tile_mesh(tile)
    assert vertices[:, 2].max() == pytest.approx(0.15, abs=1e-3)


def test_a_mesh_that_is_not_there_is_said(view, clip_folder: Path) -> None:
    with pytest.raises(TerrainError, match=r"none\.obj"):
        view(str(clip_folder / "short.npz"), terrain=Path("none.obj"))


def test_a_clip_that_is_not_there_is_said() -> None:
    with pytest.raises(LeggedGymError, match="no_such_clip"):
        view_motion(["no_such_clip.npz", "--viser.port=0"])


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="70000"):
        view_motion(["clip.npz", "--viser.port=70000"])
