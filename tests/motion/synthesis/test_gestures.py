"""Timed extras: keys, easing, and what is refused."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from legged_gym.motion.synthesis.footsteps import stay
from legged_gym.motion.synthesis.gestures import evaluate, hold
from legged_gym.motion.synthesis.synthesize import Gait, synthesize
from legged_gym.utils.errors import MotionError

TIME = np.linspace(0.0, 5.0, 501)


def test_channel_reaches_its_keys_and_rests_at_them() -> None:
    curve = evaluate({"crouch": hold(1.0, 0.5, 0.2, 1.0, 0.5)}, TIME, (0.5, 4.5))["crouch"]
    np.testing.assert_allclose(
        curve[[0, 100, 150, 250, 300, 500]], [0.0, 0.0, 0.2, 0.2, 0.0, 0.0], atol=1e-12
    )
    assert np.abs(np.gradient(curve, TIME)[[100, 150, 250, 300]]).max() < 1e-3
    assert curve[125] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (((1.0, 0.0), (1.0, 0.3), (2.0, 0.0)), "each must be later than the one before"),
        (((1.0, 0.0), (2.0, 0.3)), "crouch starts at 0 and ends at 0.3; both must be 0"),
        (
            ((0.2, 0.0), (1.0, 0.3), (2.0, 0.0)),
            "crouch moves from 0.2 to 2 s; the clip does from 0.5 to 4.5 s",
        ),
    ],
)
def test_keys_that_break_the_clip_are_refused(keys: tuple[tuple[float, float], ...], message: str) -> None:
    with pytest.raises(MotionError, match=message):
        evaluate({"crouch": keys}, TIME, (0.5, 4.5))


def test_unknown_channel_lists_the_known_ones(g1_model: mujoco.MjModel) -> None:
    pytest.importorskip("mink")
    gait = Gait(stay(3.0), gesture={"left_knee_joint": hold(1.0, 0.2, 0.1, 0.2, 0.2)})
    with pytest.raises(MotionError, match="no channel left_knee_joint; there are crouch, pelvis_pitch"):
        synthesize(g1_model, "kick", gait)


def test_raised_arms_do_not_bend_the_knees(g1_model: mujoco.MjModel) -> None:
    pytest.importorskip("mink")
    arms = {f"{side}_shoulder_pitch_joint": hold(0.6, 0.6, -2.5, 0.1, 0.6) for side in ("left", "right")}
    clip = synthesize(g1_model, "arms", Gait(stay(3.0), gesture=arms))
    knee = clip.dof_pos[:, clip.joint_names.index("left_knee_joint")]
    assert np.ptp(knee) < 0.1
    assert np.ptp(clip.root_pos[:, 2]) < 0.005
