"""Meshes of the Menagerie: on a small checkout made here, through the real package."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.sim.meshes import dress
from legged_gym.sim.robot_model import VISUAL_GROUP, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.errors import DependencyError, RobotError

TETRAHEDRON = "v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
MODEL = """<mujoco model="g1"><compiler meshdir="assets"/>
<asset><material name="dark" rgba=".1 .1 .1 1"/><mesh name="knee" file="knee.obj"/></asset>
<worldbody><body name="pelvis"><freejoint/><geom size=".1"/>
  <body name="left_knee_link"><joint/><geom type="mesh" mesh="knee" material="dark" contype="0" conaffinity="0"/>
  <geom type="capsule" size=".1 .1"/></body>
</body></worldbody></mujoco>"""


@pytest.fixture
def menagerie(tmp_path, monkeypatch) -> Path:
    pytest.importorskip("mujoco_menagerie")
    folder = tmp_path / "unitree_g1"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets/knee.obj").write_text(TETRAHEDRON)
    (folder / "g1.xml").write_text(MODEL)
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    return tmp_path


def test_links_that_have_a_mesh_wear_it_and_nothing_else_changes(menagerie):
    robot = build_robot(AssetCfg(), ActuatorCfg())
    plain, dressed = robot.spec.copy().compile(), dress(robot.spec, "g1").compile()
    knee = dressed.body("left_knee_link").id
    visible = [
        g
        for g in range(dressed.ngeom)
        if dressed.geom_bodyid[g] == knee and dressed.geom_group[g] == VISUAL_GROUP
    ]
    assert [dressed.geom_type[g] for g in visible] == [mujoco.mjtGeom.mjGEOM_MESH]
    np.testing.assert_allclose(dressed.geom_rgba[visible[0]], [0.1, 0.1, 0.1, 1.0], rtol=1e-6)
    for field in ("body_mass", "body_inertia", "body_ipos", "jnt_range", "dof_armature"):
        np.testing.assert_array_equal(getattr(plain, field), getattr(dressed, field))
    other = plain.body("torso_link").id
    assert (plain.geom_bodyid == other).sum() == (dressed.geom_bodyid == other).sum()


def test_what_is_missing_is_named(menagerie, monkeypatch, tmp_path):
    spec = build_robot(AssetCfg(), ActuatorCfg()).spec
    with pytest.raises(RobotError, match="g1"):
        dress(spec, "h1")
    monkeypatch.delenv("MENAGERIE_ROOT")
    monkeypatch.setenv("MENAGERIE_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(DependencyError, match="prefetch unitree_g1"):
        dress(spec, "g1")
