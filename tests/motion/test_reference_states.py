from collections.abc import Callable

import mujoco
import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.reference_states import ClipOptions, reference_states
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]
DT = 0.02
JOINTS, BODIES, FEET = (
    ("left_hip", "right_hip"),
    ("pelvis", "right_foot", "left_foot"),
    ("left_foot", "right_foot"),
)


@pytest.fixture
def layout(biped: mujoco.MjModel) -> RobotLayout:
    return RobotLayout(biped, JOINTS, BODIES, FEET)


def test_joints_and_bodies_are_matched_by_name(layout: RobotLayout, biped_clip: MakeClip) -> None:
    clip = biped_clip()  # lists the right hip first
    states = reference_states(clip, layout, DT, ClipOptions())
    assert np.allclose(states.dof_pos[-1], clip.dof_pos[-1, ::-1])
    assert np.allclose(states.body_pos_w[:, 0], states.root_pos_w)
    lateral = states.body_pos_w[0, :, 1]  # the clip starts facing x
    assert np.allclose(lateral, [0.0, -0.1, 0.1])


def test_the_models_own_order_does_not_matter(
    layout: RobotLayout, biped_right_first: mujoco.MjModel, biped_clip: MakeClip
) -> None:
    other = RobotLayout(biped_right_first, JOINTS, BODIES, FEET)
    assert np.array_equal(other.index.joint_qpos, layout.index.joint_qpos[::-1])
    options = ClipOptions(ground_align=True, feed_forward=True)
    a = reference_states(biped_clip(), layout, DT, options)
    b = reference_states(biped_clip(), other, DT, options)
    for name, value in vars(a).items():
        if name in ("feet", "notes", "warnings"):
            continue
        assert np.allclose(value, getattr(b, name), atol=1e-6), name


def test_body_velocities_are_the_derivative_of_body_positions(
    layout: RobotLayout, biped_clip: MakeClip
) -> None:
    states = reference_states(biped_clip(frames=101, fps=50.0), layout, DT, ClipOptions())
    slope = (states.body_pos_w[2:] - states.body_pos_w[:-2]) / (2 * DT)
    assert np.abs(slope - states.body_lin_vel_w[1:-1]).max() < 2e-3
    assert np.allclose(states.root_ang_vel_w, [0.0, 0.0, 0.8])
    assert np.allclose(states.body_ang_vel_w[:, 0], [0.0, 0.0, 0.8])


def test_a_clip_is_cut_then_frozen_at_its_end(layout: RobotLayout, biped_clip: MakeClip) -> None:
    states = reference_states(biped_clip(), layout, DT, ClipOptions(cut_off_import_length=20, n_append=5))
    assert len(states.dof_pos) == 25
    assert np.allclose(states.root_pos_w[19:, 0], 0.7 * 19 * DT)
    assert np.allclose(states.root_lin_vel_w[20:], 0.0)
    assert np.allclose(states.root_lin_vel_w[:19, 0], 0.7)
    assert states.root_lin_vel_w[19, 0] == pytest.approx(0.35)  # centre of moving and standing
    assert np.allclose(states.body_lin_vel_w[20:], 0.0)


def test_a_cut_longer_than_the_clip_cuts_nothing(layout: RobotLayout, biped_clip: MakeClip) -> None:
    assert (
        len(reference_states(biped_clip(), layout, DT, ClipOptions(cut_off_import_length=999)).dof_pos) == 51
    )


def test_a_cut_to_one_frame_is_refused(layout: RobotLayout, biped_clip: MakeClip) -> None:
    with pytest.raises(MotionError, match="cut_off_import_length 1 leaves 1 samples"):
        reference_states(biped_clip(), layout, DT, ClipOptions(cut_off_import_length=1))


def test_seconds_are_cut_before_resampling(layout: RobotLayout, biped_clip: MakeClip) -> None:
    states = reference_states(biped_clip(frames=91), layout, DT, ClipOptions(start_time=1.0, end_time=2.0))
    assert len(states.root_pos_w) == 51
    assert states.root_pos_w[0, 0] == pytest.approx(0.7)
    assert states.root_pos_w[-1, 0] == pytest.approx(1.4)


@pytest.mark.parametrize("sunk", [-0.011, 0.02])
def test_ground_alignment_puts_the_median_sole_on_the_ground(
    layout: RobotLayout, biped_clip: MakeClip, sunk: float
) -> None:
    """Straight legs reach 0.5 m below the pelvis."""
    clip = biped_clip(dof_pos=np.zeros((31, 2)), root_pos=np.tile([0, 0, 0.5 + sunk], (31, 1)))
    plain = reference_states(clip, layout, DT, ClipOptions())
    aligned = reference_states(clip, layout, DT, ClipOptions(ground_align=True))
    assert np.allclose(plain.root_pos_w[:, 2], 0.5 + sunk)
    assert np.allclose(aligned.root_pos_w[:, 2], 0.5)
    assert np.allclose(plain.body_pos_w - aligned.body_pos_w, [0.0, 0.0, sunk])


def test_a_clip_on_terrain_is_not_pulled_down(layout: RobotLayout, biped_clip: MakeClip) -> None:
    clip = biped_clip(root_pos=np.tile([0, 0, 1.0], (31, 1)))
    states = reference_states(clip, layout, DT, ClipOptions(ground_align=True))
    assert np.allclose(states.root_pos_w[:, 2], 1.0)
    assert states.warnings == ("its feet are 0.506 m off the ground, taken for terrain: not shifted",)


def test_a_clip_with_terrain_is_never_shifted(layout: RobotLayout, biped_clip: MakeClip) -> None:
    clip = biped_clip(root_pos=np.tile([0, 0, 0.55], (31, 1)), terrain="step.obj")
    states = reference_states(clip, layout, DT, ClipOptions(ground_align=True))
    assert np.allclose(states.root_pos_w[:, 2], 0.55)
    assert states.warnings == states.notes == ()


def test_a_height_offset_raises_everything_and_keeps_contacts(
    layout: RobotLayout, biped_clip: MakeClip
) -> None:
    clip = biped_clip(dof_pos=np.zeros((31, 2)), root_pos=np.tile([0, 0, 0.5], (31, 1)))
    plain = reference_states(clip, layout, DT, ClipOptions())
    raised = reference_states(clip, layout, DT, ClipOptions(height_direct_offset=0.2))
    assert np.allclose(raised.root_pos_w - plain.root_pos_w, [0, 0, 0.2])
    assert np.allclose(raised.body_pos_w - plain.body_pos_w, [0, 0, 0.2])
    assert plain.contacts.all()
    assert raised.contacts.all()


def test_recorded_contacts_win_and_follow_the_robots_feet(layout: RobotLayout, biped_clip: MakeClip) -> None:
    on = np.ones(31, dtype=bool)
    clip = biped_clip(contacts={"right_foot": ~on, "left_foot": on}, root_pos=np.tile([0, 0, 3.0], (31, 1)))
    assert reference_states(clip, layout, DT, ClipOptions()).contacts[0].tolist() == [True, False]
    with pytest.raises(MotionError, match="has contacts of left_foot but not of right_foot"):
        reference_states(biped_clip(contacts={"left_foot": on}), layout, DT, ClipOptions())


def test_joints_must_be_the_robots(layout: RobotLayout, biped_clip: MakeClip) -> None:
    three = {"joint_names": ("right_hip", "left_hip", "left_wrist"), "dof_pos": np.zeros((31, 3))}
    with pytest.raises(
        MotionError, match="joints left_wrist are not the robot's; it has left_hip, right_hip"
    ):
        reference_states(biped_clip(**three), layout, DT, ClipOptions())
    with pytest.raises(MotionError, match="lacks the robot's joints left_hip"):
        reference_states(
            biped_clip(joint_names=("right_hip",), dof_pos=np.zeros((31, 1))), layout, DT, ClipOptions()
        )


def test_locked_joints_are_dropped_and_counted(biped: mujoco.MjModel, biped_clip: MakeClip) -> None:
    names = ("left_wrist_roll", "right_hip", "left_hip", "right_wrist_roll")
    clip = biped_clip(joint_names=names, dof_pos=np.tile([9.0, 0.1, 0.2, 9.0], (31, 1)))
    layout = RobotLayout(biped, JOINTS, BODIES, FEET, locked_joints=["wrist"])
    states = reference_states(clip, layout, DT, ClipOptions())
    assert np.allclose(states.dof_pos, [0.2, 0.1])
    assert states.notes == ("dropped 2 joints that the robot has locked: left_wrist_roll, right_wrist_roll",)
