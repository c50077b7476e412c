from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.formats import read_clip
from legged_gym.motion.links import body_states, compare_links, describe_errors, frozen_links, robot_links
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]


def test_links_are_where_mujoco_puts_the_bodies(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip()
    links = robot_links(clip, g1_layout)
    data = mujoco.MjData(g1_layout.model)
    for frame in (0, 17, 40):
        data.qpos[:3], data.qpos[3:7] = clip.root_pos[frame], clip.root_quat_wxyz[frame]
        for column, name in enumerate(clip.joint_names):
            data.joint(name).qpos[0] = clip.dof_pos[frame, column]
        mujoco.mj_kinematics(g1_layout.model, data)
        for column, name in enumerate(links.names):
            assert np.allclose(links.pos_w[frame, column], data.body(name).xpos, atol=1e-12)
            assert np.allclose(links.quat_wxyz[frame, column], data.body(name).xquat, atol=1e-12)


def test_velocities_are_those_of_the_positions(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    states = body_states(g1_clip(frames=200, fps=400.0), g1_layout, ("left_wrist_yaw_link",))
    numeric = np.gradient(states.pos_w[:, 0], 1.0 / 400.0, axis=0)
    assert np.abs(states.lin_vel_w[2:-2, 0] - numeric[2:-2]).max() < 1e-4


def test_the_comparison_is_in_millimetres_by_name(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip()
    links = robot_links(clip, g1_layout, ("torso_link", "left_knee_link"))
    pos_w = np.array(links.pos_w)
    pos_w[:, 1, 2] += 0.003
    pos_w[7, 1, 2] += 0.041
    names = ("camera", *links.names)
    moved = Links(
        names,
        np.concatenate((pos_w[:, :1], pos_w), axis=1),
        np.concatenate((links.quat_wxyz[:, :1], links.quat_wxyz), axis=1),
    )
    torso, knee = compare_links(replace(clip, links=moved), g1_layout)
    assert (torso.name, knee.name) == ("torso_link", "left_knee_link")
    assert torso.max_mm == pytest.approx(0.0, abs=1e-9)
    assert (knee.mean_mm, knee.max_mm) == pytest.approx((4.0, 44.0))
    text = describe_errors([torso, knee], "g1")
    assert text.startswith(
        "1 of its 2 links are further than 2 mm from the kinematics of g1, in mm: left_knee_link 4.0"
    )
    assert describe_errors([torso], "g1") == "its 1 links agree with the kinematics of g1 within 0 mm"


def test_links_that_never_bend_are_found(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip()
    bending = replace(clip, links=robot_links(clip, g1_layout))
    frozen = replace(clip, links=robot_links(replace(clip, dof_pos=0.0 * clip.dof_pos), g1_layout))
    still = replace(frozen, dof_pos=0.0 * clip.dof_pos)  # links that do not bend because nothing moves
    assert [frozen_links(c) for c in (clip, bending, frozen, still)] == [False, False, True, False]


def test_joints_of_another_robot_are_refused(biped_clip: MakeClip, g1_layout: RobotLayout) -> None:
    with pytest.raises(MotionError, match="joints right_hip, left_hip are not those of g1"):
        robot_links(biped_clip(), g1_layout)
    with pytest.raises(MotionError, match="has no links to compare"):
        compare_links(biped_clip(), g1_layout)


@pytest.fixture
def crawl(shared_dir: Path) -> Clip:
    """A crawl recorded with the bodies of another version of the G1."""
    return read_clip(shared_dir / "data/g1/crawl_slope/motion.npz")


def test_pelvis_and_legs_of_a_foreign_file_are_ours(crawl: Clip, g1_layout: RobotLayout) -> None:
    errors = {error.name: error for error in compare_links(crawl, g1_layout)}
    below = [
        name
        for name in errors
        if any(part in name for part in ("pelvis", "hip", "knee", "ankle", "waist_yaw"))
    ]
    assert len(below) == 14
    assert max(errors[name].max_mm for name in below) < 0.01
    assert errors["torso_link"].mean_mm == pytest.approx(10.06, abs=0.01)
    assert errors["left_wrist_yaw_link"].max_mm == pytest.approx(5.20, abs=0.01)


def test_three_lengths_of_the_waist_explain_the_rest(crawl: Clip, g1: Robot) -> None:
    """That version has its waist roll axis 9 mm lower, the pitch axis 19 mm above it instead of on it, and the
    shoulders 10 mm nearer to the torso's origin: standing upright, the sum is the same."""
    spec = g1.scene(ground=False)
    heights = {"waist_roll_link": 0.035, "torso_link": 0.019}
    heights |= dict.fromkeys(("left_shoulder_pitch_link", "right_shoulder_pitch_link"), 0.23778)
    for name, height in heights.items():
        spec.body(name).pos[2] = height
    theirs = RobotLayout(spec.compile(), g1.joint_names, g1.body_names, g1.foot_bodies)
    errors = compare_links(crawl, theirs)
    assert len(errors) == 30
    assert max(error.max_mm for error in errors) < 0.01
