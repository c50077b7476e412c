import mujoco
import numpy as np
import pytest

from legged_gym.motion.contacts import collision_points, height_above_ground
from legged_gym.motion.feed_forward import FRICTION, FeedForward, effort_limits, inverse_dynamics_feed_forward
from legged_gym.motion.kinematics import ModelIndex, forward_kinematics
from legged_gym.sim.robot_model import Robot

GRAVITY = 9.81
_FEET = "".join(
    f'<geom type="sphere" size="0.01" pos="{x} {y} 0.01"/>' for x in (-0.1, 0.1) for y in (-0.1, 0.1)
)
BLOCK = f"""
<mujoco><worldbody><body name="block"><freejoint/>
  <inertial mass="4" pos="0 0 0.05" diaginertia="0.1 0.1 0.1"/>{_FEET}
</body></worldbody></mujoco>"""
_NO_JOINTS = np.zeros((0,))


def _still(model: mujoco.MjModel, quat: tuple[float, ...], frames: int = 12) -> tuple[np.ndarray, ...]:
    index = ModelIndex(model, ())
    time = 0.02 * np.arange(frames)
    qpos = index.qpos(np.zeros((frames, 3)), np.tile(quat, (frames, 1)), np.zeros((frames, 0)))
    return index, time, qpos, np.zeros((frames, model.nv))


def standing(g1: Robot, g1_model: mujoco.MjModel, frames: int) -> tuple[ModelIndex, np.ndarray, FeedForward]:
    """Some frames of the G1 at rest in its default pose with its soles on the ground, and their feed-forward."""
    index = ModelIndex(g1_model, g1.joint_names)
    qpos = index.qpos(
        np.tile([0, 0, 0.9], (frames, 1)),
        np.tile([1.0, 0, 0, 0], (frames, 1)),
        np.tile(g1.default_dof_pos, (frames, 1)),
    )
    qvel = np.zeros((frames, g1_model.nv))
    feet = forward_kinematics(g1_model, g1.foot_bodies, qpos, qvel)
    qpos[:, 2] -= height_above_ground(collision_points(g1_model, g1.foot_bodies), feet)
    result = inverse_dynamics_feed_forward(index, 0.02 * np.arange(frames), qpos, qvel, g1.effort_limit)
    return index, qpos, result


def test_a_standing_g1_is_carried_by_its_feet(g1: Robot, g1_model: mujoco.MjModel) -> None:
    _, _, result = standing(g1, g1_model, 20)

    weight = g1_model.body_subtreemass[1] * GRAVITY
    total = result.force_w.sum(axis=1)
    assert np.allclose(total[:, 2], weight, rtol=1e-6)
    assert np.abs(total[:, :2]).max() < 1e-4 * weight
    assert np.abs(result.residual_w).max() < 1e-3
    assert np.abs(result.torque / g1.effort_limit).max() < 0.15
    left, right = (g1.joint_names.index(f"{side}_knee_joint") for side in ("left", "right"))
    assert np.allclose(
        result.torque[:, left], result.torque[:, right], atol=0.05
    )  # the robot is symmetric to 1e-4 m


def test_mujoco_agrees_that_the_torques_hold_the_pose(g1: Robot, g1_model: mujoco.MjModel) -> None:
    """The torques and forces put into MuJoCo's forward dynamics, contacts off, leave the robot at rest."""
    frames = 4
    index, qpos, result = standing(g1, g1_model, frames)

    model = g1.compile()
    model.opt.disableflags |= int(
        mujoco.mjtDisableBit.mjDSBL_CONTACT
        | mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
        | mujoco.mjtDisableBit.mjDSBL_ACTUATION
    )
    data = mujoco.MjData(model)
    data.qpos = qpos[0]
    mujoco.mj_forward(model, data)
    points = result.points
    for i in np.flatnonzero(result.force_w[0].any(axis=1)):
        body = points.body[i] + 1
        centre = data.xpos[body] + data.xmat[body].reshape(3, 3) @ points.local[i]
        touch = centre - [0, 0, points.radius[i]]
        mujoco.mj_applyFT(model, data, result.force_w[0, i], np.zeros(3), touch, body, data.qfrc_applied)
    data.qfrc_applied[index.joint_dof] += result.torque[0]
    mujoco.mj_forward(model, data)
    assert np.abs(data.qacc).max() < 1e-3


def test_a_held_out_weight_needs_its_lever_times_its_force() -> None:
    """1 kg at 0.5 m on a hinge about y: gravity turns it with +4.905 Nm, so the motor gives -4.905."""
    model = mujoco.MjModel.from_xml_string(BLOCK.replace(
        "</body>",
        """<body name="arm" pos="0 0 0.3"><joint name="shoulder" axis="0 1 0"/>
           <inertial mass="1" pos="0.5 0 0" diaginertia="0.001 0.001 0.001"/></body></body>""",
    ).replace('mass="4"', 'mass="40"'))  # fmt: skip
    index = ModelIndex(model, ("shoulder",))
    qpos = index.qpos(np.zeros((9, 3)), np.tile([1.0, 0, 0, 0], (9, 1)), np.zeros((9, 1)))
    time, qvel = 0.02 * np.arange(9), np.zeros((9, model.nv))
    free = inverse_dynamics_feed_forward(index, time, qpos, qvel, np.array([100.0]))
    assert np.allclose(free.torque, -0.5 * GRAVITY)
    assert np.allclose(free.force_w.sum(axis=1), [0, 0, 41 * GRAVITY], atol=1e-2)
    limited = inverse_dynamics_feed_forward(index, time, qpos, qvel, np.array([3.0]))
    assert np.allclose(limited.torque, -3.0)


def test_a_leg_carries_what_stands_on_it() -> None:
    """The hip, 0.2 m behind foot and centre of mass, holds the 10 kg above at that lever, whatever the leg weighs."""
    model = mujoco.MjModel.from_xml_string(f"""
<mujoco><worldbody><body name="body" pos="0 0 0.5"><freejoint/>
  <inertial mass="10" pos="0.2 0 0.1" diaginertia="0.1 0.1 0.1"/>
  <body name="leg"><joint name="hip" axis="0 1 0"/>
    <inertial mass="3" pos="0.2 0 -0.4" diaginertia="0.01 0.01 0.01"/>
    <body name="foot" pos="0.2 0 -0.5">{_FEET}</body></body>
</body></worldbody></mujoco>""")
    index = ModelIndex(model, ("hip",))
    qpos = index.qpos(np.tile([0, 0, 0.5], (9, 1)), np.tile([1.0, 0, 0, 0], (9, 1)), np.zeros((9, 1)))
    result = inverse_dynamics_feed_forward(
        index, 0.02 * np.arange(9), qpos, np.zeros((9, model.nv)), np.array([99.0])
    )
    assert np.allclose(result.torque, 0.2 * 10 * GRAVITY, rtol=1e-3)


@pytest.mark.parametrize(("acceleration", "within"), [(3.0, True), (8.0, False)])
def test_friction_drives_up_to_its_limit(acceleration: float, within: bool) -> None:
    model = mujoco.MjModel.from_xml_string(BLOCK)
    index, time, qpos, qvel = _still(model, (1.0, 0, 0, 0), frames=60)
    qpos[:, 0], qvel[:, 0] = 0.5 * acceleration * time**2, acceleration * time
    result = inverse_dynamics_feed_forward(index, time, qpos, qvel, _NO_JOINTS)
    middle = slice(20, 40)  # away from where smoothing meets the ends
    force, lost = result.force_w.sum(axis=1)[middle], result.residual_w[middle, 0]
    assert np.all(np.abs(force[:, 0]) <= FRICTION * force[:, 2] + 1e-6)
    assert np.allclose(lost, 0.0, atol=0.05) is within
    assert np.allclose(force[:, 0] + lost, 4.0 * acceleration, rtol=1e-3)


def test_nothing_carries_a_body_in_the_air() -> None:
    model = mujoco.MjModel.from_xml_string(BLOCK)
    index, time, qpos, qvel = _still(model, (1.0, 0, 0, 0))
    qpos[:, 2] += 0.5
    result = inverse_dynamics_feed_forward(index, time, qpos, qvel, _NO_JOINTS)
    assert not result.force_w.any()
    assert np.allclose(result.residual_w[:, 2], 4.0 * GRAVITY)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_block_rests_on_a_slope_and_on_a_step(axis: int) -> None:
    model = mujoco.MjModel.from_xml_string(BLOCK)
    angle = 0.3  # tan 0.3 = 0.31 < friction; about x the ground rises with y, about y it falls with x
    quat = [np.cos(angle / 2), 0.0, 0.0, 0.0]
    quat[1 + axis] = np.sin(angle / 2)
    index, time, qpos, qvel = _still(model, tuple(quat))
    slope = np.tan(angle) * np.array([[0.0, 1.0], [-1.0, 0.0]])[axis]
    qpos[:, 2] += 1.0 - 0.01 / np.cos(angle) + 0.01
    # ball feet touch along the vertical 0.01 (1/cos - 1) too high, far within the contact tolerance
    result = inverse_dynamics_feed_forward(
        index, time, qpos, qvel, _NO_JOINTS, ground=lambda xy: 1.0 + xy @ slope
    )
    assert np.abs(result.residual_w).max() < 0.1
    assert np.allclose(result.force_w.sum(axis=1), [0, 0, 4.0 * GRAVITY], atol=0.1)
    flat = inverse_dynamics_feed_forward(index, time, qpos, qvel, _NO_JOINTS)
    assert not flat.force_w.any()


@pytest.mark.parametrize("below", [-0.4, -np.inf])
def test_a_block_rests_at_the_edge_of_a_step_and_of_the_terrain(below: float) -> None:
    """Two of its feet are 5 mm from the edge: the ground there is level, not a wall of normal along x."""
    model = mujoco.MjModel.from_xml_string(BLOCK)
    index, time, qpos, qvel = _still(model, (1.0, 0, 0, 0))
    result = inverse_dynamics_feed_forward(
        index, time, qpos, qvel, _NO_JOINTS, ground=lambda xy: np.where(xy[..., 0] < 0.105, 0.0, below)
    )
    assert np.allclose(result.force_w.sum(axis=1), [0, 0, 4.0 * GRAVITY], atol=0.1)
    assert np.abs(result.residual_w).max() < 0.1


def test_effort_limits_come_from_the_actuators(
    g1: Robot, g1_model: mujoco.MjModel, biped: mujoco.MjModel
) -> None:
    assert np.array_equal(effort_limits(ModelIndex(g1_model, g1.joint_names)), g1.effort_limit)
    assert np.array_equal(effort_limits(ModelIndex(biped, ("right_hip",))), [20.0])
