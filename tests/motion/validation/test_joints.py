from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, CheckedMotion, quick_findings
from legged_gym.motion.validation.findings import Finding
from legged_gym.motion.validation.joints import joint_limits, joint_speeds, joint_spikes, spike_size

TIME = np.arange(101) / 50.0


def test_an_angle_beyond_its_range_is_told_with_joint_frames_and_size(
    standing: Callable[..., Clip], layout: RobotLayout, only: Callable[..., Finding]
) -> None:
    """The model's left knee goes from -0.087267 to 2.8798 rad."""
    knee = np.full(101, 0.669)
    knee[40:51] = -0.187267
    motion = CheckedMotion.from_clip(standing(joints={"left_knee_joint": knee}), layout)
    finding = only(joint_limits(motion, DEFAULT), "joint_limits")
    assert (finding.severity, finding.subject) == ("error", "left_knee_joint")
    assert (finding.first_frame, finding.last_frame) == (40, 50)
    assert (finding.value, finding.limit) == pytest.approx((-0.187267, -0.087267))
    assert "left knee is at -0.187 rad, 0.100 beyond its limit of -0.087 rad" in finding.message
    assert "from 0.80 to 1.00 s (frames 40 to 50)" in finding.message


@pytest.mark.parametrize(("excess", "severity"), [(0.001, None), (0.02, "warning"), (0.06, "error")])
def test_rounding_is_no_violation(
    standing: Callable[..., Clip], layout: RobotLayout, excess: float, severity: str | None
) -> None:
    clip = standing(joints={"right_knee_joint": np.full(101, 2.8798 + excess)})
    findings = joint_limits(CheckedMotion.from_clip(clip, layout), DEFAULT)
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_joints_are_matched_by_name(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    clip = standing(joints={"left_elbow_joint": np.full(101, 2.5)})  # its range ends at 2.0944
    shuffled = Clip(
        "shuffled", 50.0, clip.joint_names[::-1], clip.dof_pos[:, ::-1], clip.root_pos, clip.root_quat_wxyz
    )
    (finding,) = joint_limits(CheckedMotion.from_clip(shuffled, layout), DEFAULT)
    assert finding.subject == "left_elbow_joint"


def test_a_speed_beyond_the_motors_is_told(
    standing: Callable[..., Clip], layout: RobotLayout, only: Callable[..., Finding]
) -> None:
    """The knee's motor turns at 20 rad/s at most; 0.5 rad per frame are 25 rad/s."""
    knee = np.concatenate((np.zeros(50), 0.5 * np.arange(1, 5), np.full(47, 2.0)))
    motion = CheckedMotion.from_clip(standing(joints={"right_knee_joint": knee}), layout)
    finding = only(joint_speeds(motion, DEFAULT), "joint_speeds")
    assert (finding.severity, finding.subject) == ("error", "right_knee_joint")
    assert (finding.value, finding.limit) == pytest.approx((25.0, 20.0))
    assert (finding.first_frame, finding.last_frame) == (50, 52)
    assert "right knee turns at 25.0 rad/s, 125% of its motor's top speed of 20" in finding.message


def test_speeds_near_the_top_are_a_warning(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    knee = np.concatenate((np.zeros(50), 0.36 * np.arange(1, 5), np.full(47, 1.44)))  # 18 of 20 rad/s
    (finding,) = joint_speeds(
        CheckedMotion.from_clip(standing(joints={"left_knee_joint": knee}), layout), DEFAULT
    )
    assert finding.severity == "warning"


def test_a_glitch_of_one_frame_has_its_size_and_frame(
    standing: Callable[..., Clip], layout: RobotLayout, only: Callable[..., Finding]
) -> None:
    elbow = 0.6 + 0.3 * np.sin(2 * np.pi * TIME)
    elbow[60] += 0.25
    motion = CheckedMotion.from_clip(standing(joints={"left_elbow_joint": elbow}), layout)
    finding = only(joint_spikes(motion, DEFAULT), "joint_spikes")
    assert (finding.subject, finding.severity) == ("left_elbow_joint", "warning")
    assert finding.value == pytest.approx(0.25, abs=1e-3)
    assert "(frame 60)" in finding.message and f"{-2 * 0.25 * 50**2:.0f}"[:3] in finding.message


def test_fast_but_smooth_motion_has_no_spikes(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    """1 rad at 3 Hz, sampled at 30 Hz: 19 rad/s and 355 rad/s^2."""
    time = np.arange(91) / 30.0
    clip = standing(91, 30.0, joints={"left_shoulder_pitch_joint": np.sin(6 * np.pi * time)})
    assert not joint_spikes(CheckedMotion.from_clip(clip, layout), DEFAULT)


def test_an_acceleration_beyond_the_bare_rotor_is_an_error(
    standing: Callable[..., Clip], layout: RobotLayout
) -> None:
    """A wrist's motor: 5 Nm over 0.00425 kg m^2 are 1176 rad/s^2; a spike of 0.3 rad at 50 Hz takes 1500."""
    wrist = np.zeros(101)
    wrist[30] = 0.3
    clip = standing(joints={"left_wrist_yaw_joint": wrist})
    findings = joint_spikes(CheckedMotion.from_clip(clip, layout), DEFAULT)
    (error,) = [finding for finding in findings if finding.severity == "error"]
    assert (error.value, error.limit) == pytest.approx((1500.0, 5.0 / 0.00425))


def test_spike_size_is_exact_for_cubics() -> None:
    time = np.linspace(0.0, 1.0, 11)
    cubic = (2.0 * time**3 - time**2 + 0.5)[:, None]
    assert np.abs(spike_size(cubic)).max() < 1e-12
    cubic[5] += 0.7
    assert np.argmax(np.abs(spike_size(cubic))) == 5
    assert spike_size(cubic)[5, 0] == pytest.approx(0.7)


def test_quick_findings_include_the_joints(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    clip = standing(joints={"left_knee_joint": np.full(101, -0.5)})
    findings = quick_findings(CheckedMotion.from_clip(clip, layout))
    assert findings[0].check == "joint_limits"
