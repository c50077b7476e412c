from collections.abc import Callable

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, STRICT, CheckedMotion, quick_findings, validate
from legged_gym.motion.validation.feet import (
    feet_absent,
    foot_clearance,
    foot_sliding,
    ground_level,
    stance_slides,
    standing_on_edge,
)
from legged_gym.motion.validation.findings import Finding

LEFT, RIGHT = "left_ankle_roll_link", "right_ankle_roll_link"
TIME = np.arange(101) / 50.0
BOTH = {foot: np.ones(101, dtype=bool) for foot in (LEFT, RIGHT)}


def test_a_robot_that_stands_still_has_no_findings(
    standing: Callable[..., Clip], layout: RobotLayout
) -> None:
    report = validate(standing(), layout, options=STRICT)
    assert report.findings == ()
    assert report.ok
    assert report.measures["standing_height_m"] == pytest.approx(0.0, abs=1e-6)
    assert report.measures["slide_m"] == pytest.approx(0.0, abs=1e-9)
    assert not quick_findings(CheckedMotion.from_clip(standing(), layout))


def test_feet_in_the_ground_are_told_by_foot_depth_and_frame(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    sunk = np.zeros(101)
    sunk[60:70] = -0.10
    sunk[65] = -0.14
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=sunk)), layout)
    findings = [f for f in foot_clearance(motion, DEFAULT) if "inside" in f.message]
    finding = only(findings, "foot_clearance", LEFT)
    assert finding.severity == "error"
    assert (finding.first_frame, finding.last_frame) == (60, 69)
    assert finding.value == pytest.approx(0.14, abs=1e-6)
    assert "left foot is 14 cm inside the ground at 1.30 s (frame 65)" in finding.message
    assert "in 10% of the clip" in finding.message
    assert only(findings, "foot_clearance", RIGHT)


def test_only_the_foot_that_is_sunk_is_named(
    standing: Callable[..., Clip], layout: RobotLayout, only: Callable[..., Finding]
) -> None:
    """A straighter right knee, everything else alike, puts the right foot lower than the left one."""
    clip = standing(joints={"right_knee_joint": 0.669 - 0.15})
    findings = foot_clearance(CheckedMotion.from_clip(clip, layout), DEFAULT)
    assert only([f for f in findings if "inside" in f.message], "foot_clearance").subject == RIGHT


@pytest.mark.parametrize(("height", "severity"), [(0.004, None), (0.02, "warning"), (0.08, "error")])
def test_standing_above_the_ground_is_told(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    height: float,
    severity: str | None,
) -> None:
    """Contacts are found although the whole clip floats, and the floating is told as what it is."""
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=height)), layout)
    assert motion.contacts.all()
    assert motion.ground_offset == pytest.approx(height, abs=1e-6)
    findings = foot_clearance(motion, DEFAULT)
    assert [f.severity for f in findings] == ([severity] * 2 if severity else [])
    level = ground_level(motion, DEFAULT)
    assert [f.value for f in level] == ([pytest.approx(height, abs=1e-6)] if severity else [])


def test_strict_tolerances_are_those_of_computed_clips(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=0.006)), layout)
    assert not foot_clearance(motion, DEFAULT)
    assert {f.limit for f in foot_clearance(motion, STRICT)} == {0.005}


def test_a_slide_is_its_length_in_millimetres(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    """The whole robot glides at 0.05 m/s for 2 s; 40 ms at each end are left out: 96 - 1 steps of 1 mm."""
    motion = CheckedMotion.from_clip(standing(root_pos=root(x=0.05 * TIME), contacts=BOTH), layout)
    findings = foot_sliding(motion, DEFAULT)
    finding = only(findings, "foot_sliding", LEFT)
    assert finding.value == pytest.approx(0.096, abs=1e-6)
    assert finding.severity == "warning"
    assert "left foot slides by 96 mm, at up to 0.05 m/s" in finding.message


def test_shaking_does_not_add_up_to_a_slide(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """3 mm to and fro at 5 Hz are 60 mm of path."""
    x = 0.003 * np.sin(10.0 * np.pi * TIME)
    motion = CheckedMotion.from_clip(standing(root_pos=root(x=x), contacts=BOTH), layout)
    assert stance_slides(motion, 0)[0][1] < 0.0061
    assert not foot_sliding(motion, DEFAULT)


def test_pivoting_on_a_corner_is_no_slide(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    """The robot turns by 1 rad about the vertical line through one sphere of its left sole."""
    still = CheckedMotion.from_clip(standing(), layout)
    pivot = still.foot_points_w[0, 0] * [1.0, 1.0, 0.0]
    angle = 0.5 * TIME
    arm = still.root_pos - pivot
    turned = np.stack(
        (
            np.cos(angle) * arm[:, 0] - np.sin(angle) * arm[:, 1],
            np.sin(angle) * arm[:, 0] + np.cos(angle) * arm[:, 1],
            arm[:, 2],
        ),
        axis=1,
    )
    quat = np.stack((np.cos(angle / 2), 0 * angle, 0 * angle, np.sin(angle / 2)), axis=1)
    clip = standing(root_pos=pivot + turned, root_quat_wxyz=quat, contacts=BOTH)
    motion = CheckedMotion.from_clip(clip, layout)
    left, right = (stance_slides(motion, foot)[0][1] for foot in (0, 1))
    assert left < 0.005
    assert right > 0.1


def test_feet_in_the_air_are_told_unless_the_robot_falls(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    lifted = np.where((TIME > 0.49) & (TIME < 1.51), 0.3, 0.0)
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=lifted)), layout)
    finding = only(feet_absent(motion, DEFAULT), "feet_absent")
    assert (finding.first_frame, finding.last_frame) == (25, 75)
    flight = np.clip((TIME - 0.6), 0.0, 0.8)
    jump = 0.5 * 9.81 * flight * (0.8 - flight)  # up and down again within 0.8 s
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=jump)), layout)
    assert jump.max() > 0.7
    assert not feet_absent(motion, DEFAULT)


def test_several_levels_without_terrain_are_told(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    motion = CheckedMotion.from_clip(standing(root_pos=root(z=np.where(TIME < 1.0, 0.0, 0.3))), layout)
    finding = only(ground_level(motion, DEFAULT), "ground_level")
    assert finding.severity == "warning"
    assert "heights from 0.00 to 0.30 m" in finding.message
    x = np.where(TIME < 1.0, 0.0, 2.0)
    steps = standing(root_pos=root(x=x, z=0.15 * x))
    terrain = CheckedMotion.from_clip(steps, layout, ground=lambda xy: np.where(xy[..., 0] < 1.0, 0.0, 0.3))
    assert not ground_level(terrain, DEFAULT)


def test_walking_off_the_terrain_is_an_error(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    def platform(xy: np.ndarray) -> np.ndarray:
        return np.where(xy[..., 1] > 0.0, 0.0, -np.inf)  # only under the left foot

    motion = CheckedMotion.from_clip(standing(contacts=BOTH), layout, platform)
    (finding,) = ground_level(motion, DEFAULT) + foot_clearance(motion, DEFAULT)
    assert finding.severity == "error"
    assert "beyond the terrain's edge" in finding.message


def test_contacts_of_other_names_are_an_error(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    clip = standing(contacts={"l_foot": np.ones(101, dtype=bool)})
    (finding,) = validate(clip, layout).findings
    assert finding.message == f"contacts are recorded for l_foot, not for {LEFT}, {RIGHT}"


def test_standing_on_the_toes_is_worth_a_remark(
    standing: Callable[..., Clip],
    root: Callable[..., np.ndarray],
    layout: RobotLayout,
    only: Callable[..., Finding],
) -> None:
    """0.3 rad of ankle over the 17 cm between heel and toe spheres lift the heel by 50 mm."""
    joints = {f"{side}_ankle_pitch_joint": -0.363 + 0.3 for side in ("left", "right")}
    clip = standing(joints=joints, contacts=BOTH)
    finding = only(standing_on_edge(CheckedMotion.from_clip(clip, layout), DEFAULT), "standing_on_edge", LEFT)
    assert finding.severity == "info"
    assert finding.value == pytest.approx(0.17 * np.sin(0.3), abs=0.001)
