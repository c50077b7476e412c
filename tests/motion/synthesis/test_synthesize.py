"""What synthesis refuses, and that a new gait is a few lines."""

from __future__ import annotations

import sys

import mujoco
import numpy as np
import pytest

from legged_gym.motion.synthesis.gaits import GAITS
from legged_gym.motion.synthesis.posture import Style
from legged_gym.motion.synthesis.synthesize import Gait, synthesize
from legged_gym.motion.synthesis.walks import Walk, walk_footsteps
from legged_gym.utils.errors import DependencyError, MotionError


def test_missing_mink_names_the_extra(monkeypatch: pytest.MonkeyPatch, g1_model: mujoco.MjModel) -> None:
    monkeypatch.setitem(sys.modules, "mink", None)
    with pytest.raises(DependencyError, match=r"pip install 'videomimic-gym\[synthesis\]'"):
        synthesize(g1_model, "stand", GAITS["stand"])


def test_steps_longer_than_the_legs_are_refused(g1_model: mujoco.MjModel) -> None:
    pytest.importorskip("mink")
    gait = Gait(walk_footsteps(Walk(advance=(0.7, 0.0, 0.0), num_steps=5)))
    with pytest.raises(MotionError, match=r"frame \d+: no pose meets all targets; .* stays off by"):
        synthesize(g1_model, "giant", gait)


def test_arm_past_its_limit_is_refused(g1_model: mujoco.MjModel) -> None:
    pytest.importorskip("mink")
    gait = Gait(GAITS["stand"].plan, style=Style(elbow=2.5))
    with pytest.raises(MotionError, match="the upper body stays off"):
        synthesize(g1_model, "stand", gait)


@pytest.mark.parametrize(
    ("advance", "moved"),  # what advances of 0.7, 1, 1 and 0.7 times it add up to
    [((0.0, 0.1, 0.0), (0.0, 0.34, 0.0)), ((0.0, 0.0, 0.3), (0.0, 0.0, 1.02))],
    ids=["sideways", "turning in place"],
)
def test_other_gaits_arrive_where_their_steps_lead(
    g1_model: mujoco.MjModel, advance: tuple[float, float, float], moved: tuple[float, float, float]
) -> None:
    pytest.importorskip("mink")
    plan = walk_footsteps(Walk(advance=advance, num_steps=5, step_time_s=0.6, still_s=0.2))
    clip = synthesize(g1_model, "gait", Gait(plan))
    w, z = clip.root_quat_wxyz[-1, [0, 3]]
    yaw = 2.0 * np.arctan2(z, w)
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = clip.root_pos[
        0, :2
    ]  # the pelvis is not exactly above the middle of the feet: turn its offset along
    expected = [moved[0] + cos * x - sin * y, moved[1] + sin * x + cos * y]
    assert yaw == pytest.approx(moved[2], abs=1e-9)
    np.testing.assert_allclose(clip.root_pos[-1, :2], expected, atol=1e-6)
