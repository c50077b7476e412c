from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import read_clip
from legged_gym.motion.links import robot_links
from legged_gym.motion.mirror import mirror, other_side
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.rotations import quat_rotate
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]
ARRAYS = ("dof_pos", "root_pos", "root_quat_wxyz")


@pytest.mark.parametrize("with_robot", [True, False])
def test_twice_is_the_original_to_the_last_bit(
    g1_clip: MakeClip, g1_layout: RobotLayout, with_robot: bool
) -> None:
    robot = g1_layout if with_robot else None
    clip = g1_clip(history=("made",))
    clip = replace(clip, links=robot_links(clip, g1_layout))
    again = mirror(mirror(clip, robot), robot)
    for field in ARRAYS:
        assert getattr(again, field).tobytes() == getattr(clip, field).tobytes(), field
    assert (again.joint_names, again.history) == (clip.joint_names, clip.history)
    assert list(again.contacts) == list(clip.contacts)
    assert all(np.array_equal(again.contacts[foot], clip.contacts[foot]) for foot in clip.contacts)
    assert again.links.names == clip.links.names
    assert again.links.pos_w.tobytes() == clip.links.pos_w.tobytes()
    assert again.links.quat_wxyz.tobytes() == clip.links.quat_wxyz.tobytes()


def test_a_real_clip_mirrored_twice_is_the_original(shared_dir: Path) -> None:
    clip = read_clip(shared_dir / "data/g1/lafan1/dance1_subject2.csv")
    again = mirror(mirror(clip))
    assert all(getattr(again, field).tobytes() == getattr(clip, field).tobytes() for field in ARRAYS)


def test_every_body_is_the_mirror_image_of_its_partner(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    """Positions within what the model's own sides differ by; a direction along y turns round, the others do not."""
    clip = g1_clip()
    ours, theirs = robot_links(clip, g1_layout), robot_links(mirror(clip), g1_layout)
    flip = np.array([1.0, -1.0, 1.0])
    for column, name in enumerate(ours.names):
        partner = theirs.names.index(other_side(name))
        assert np.abs(theirs.pos_w[:, partner] - ours.pos_w[:, column] * flip).max() < 1e-4, name
        for axis, sign in zip(np.eye(3), (1.0, -1.0, 1.0), strict=True):
            mirrored = sign * flip * quat_rotate(ours.quat_wxyz[:, column], axis)
            assert np.abs(mirrored - quat_rotate(theirs.quat_wxyz[:, partner], axis)).max() < 1e-4, name


def test_links_mirror_like_the_bodies_they_are_of(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    clip = g1_clip()
    mirrored = mirror(replace(clip, links=robot_links(clip, g1_layout)))
    expected = robot_links(mirrored, g1_layout, mirrored.links.names)
    assert np.abs(mirrored.links.pos_w - expected.pos_w).max() < 1e-4
    assert np.abs(np.sum(mirrored.links.quat_wxyz * expected.quat_wxyz, axis=-1)).min() > 1.0 - 1e-7


def test_names_and_model_agree_on_every_sign(g1_clip: MakeClip, g1_layout: RobotLayout) -> None:
    assert np.array_equal(mirror(g1_clip()).dof_pos, mirror(g1_clip(), g1_layout).dof_pos)


def test_feet_are_swapped(g1_clip: MakeClip) -> None:
    clip = g1_clip()
    mirrored = mirror(clip)
    assert np.array_equal(mirrored.contacts["left_ankle_roll_link"], clip.contacts["right_ankle_roll_link"])
    assert not np.array_equal(
        mirrored.contacts["left_ankle_roll_link"], clip.contacts["left_ankle_roll_link"]
    )
    assert mirrored.history == ("mirrored left to right",)


def test_axes_come_from_the_robot_where_names_do_not_tell(
    biped: mujoco.MjModel, biped_clip: MakeClip
) -> None:
    robot = RobotLayout(biped, ("left_hip", "right_hip"), ("pelvis",), ("left_foot", "right_foot"))
    clip = biped_clip()
    with pytest.raises(
        MotionError, match="the name right_hip does not tell the joint's axis; give the robot"
    ):
        mirror(clip)
    mirrored = mirror(clip, robot)
    assert np.array_equal(mirrored.dof_pos, clip.dof_pos[:, ::-1])  # both turn about y


def test_what_has_no_mirror_image_is_refused(g1_clip: MakeClip, biped_clip: MakeClip) -> None:
    with pytest.raises(MotionError, match=r"plays on box.obj, .* only clips on flat ground can be mirrored"):
        mirror(g1_clip(terrain="box.obj"))
    with pytest.raises(MotionError, match="has left_knee but no right_knee"):
        mirror(biped_clip(joint_names=("left_knee", "waist_yaw")))
