"""The clips that ship, checked by forward kinematics of the robot and by Newton's laws, not by how they were made."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.spatial import ConvexHull

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import GroundHeight, flat_ground
from legged_gym.motion.feed_forward import effort_limits, inverse_dynamics_feed_forward
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.motion.kinematics import ModelIndex
from legged_gym.motion.rotations import quat_rotate
from legged_gym.sim.robot_model import Robot
from legged_gym.terrain.mesh_ground import mesh_ground

SHIPPED = Path(__file__).resolve().parents[2] / "retargeted_data" / "g1"
FLAT = (
    "stand", "walk_slow", "walk_forward", "walk_fast", "walk_backward", "side_step", "turn_in_place", "walk_circle",
    "squat", "crouch_walk", "arm_gestures", "one_leg_balance",
)  # fmt: skip
TERRAIN = ("box", "stairs", "slope")
COMMANDS = tuple(f"command_walk_{number:02d}" for number in range(12))
QUICK = ("squat", "walk_forward", "slope", "command_walk_05")
"""Clips that every run of the tests makes again, one of each kind."""
FEET = ("left_ankle_roll_link", "right_ankle_roll_link")
DT = 0.02
GRAVITY = 9.81


@dataclass(frozen=True, eq=False)
class Measured:
    """What the robot does over the T frames of a clip, from MuJoCo."""

    soles_w: np.ndarray
    """(T, 2, 4, 3) lowest points of the four balls under each foot."""
    clearance: np.ndarray
    """(T, 2, 4) their height above the ground below them."""
    com_w: np.ndarray
    """(T, 3) centre of mass."""
    angular_momentum_w: np.ndarray
    """(T + 1, 3) about the centre of mass, halfway between neighbouring frames, before the first and after the last."""
    torso_quat_wxyz: np.ndarray
    """(T, 4)."""
    self_contacts: int
    """Contacts between links, over all frames."""


def file_of(name: str) -> Path:
    return (
        SHIPPED / ("terrain" if name in TERRAIN else "commands" if name in COMMANDS else "") / f"{name}.npz"
    )


def ground_of(clip: Clip) -> GroundHeight:
    """The mesh that the clip names, as anyone would read it."""
    return flat_ground if clip.terrain_path is None else mesh_ground(clip.terrain_path)


def measure(robot: Robot, model: mujoco.MjModel, clip: Clip) -> Measured:
    index = ModelIndex(model, clip.joint_names)
    qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, clip.dof_pos)
    balls = [
        [g for g in np.flatnonzero(model.geom_bodyid == model.body(f).id) if model.geom_contype[g]]
        for f in FEET
    ]
    soles, com, momentum, torso, self_contacts = [], [], [], [], 0
    data = mujoco.MjData(model)
    for frame in range(clip.num_frames):
        data.qpos[:] = qpos[frame]
        mujoco.mj_forward(model, data)
        soles.append(data.geom_xpos[balls] - model.geom_size[balls][..., :1] * np.array([0.0, 0.0, 1.0]))
        com.append(data.subtree_com[index.root_body].copy())
        torso.append(data.body(robot.torso_body).xquat.copy())
        links = model.geom_bodyid[data.contact.geom]
        self_contacts += int(np.sum(np.all(links > 0, axis=1)))
    still = np.zeros(3)
    for before, after in itertools.pairwise(qpos):
        mujoco.mj_differentiatePos(model, data.qvel, DT, before, after)
        data.qpos[:] = before
        mujoco.mj_integratePos(model, data.qpos, data.qvel, 0.5 * DT)
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        momentum.append(data.subtree_angmom[index.root_body].copy())
    return Measured(
        np.array(soles),
        np.array(soles)[..., 2] - ground_of(clip)(np.array(soles)[..., :2]),
        np.array(com),
        np.array([still, *momentum, still]),
        np.array(torso),
        self_contacts,
    )


@pytest.fixture(
    scope="module",
    params=[
        *FLAT,
        *TERRAIN,
        COMMANDS[0],
        *(pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS[1:]),
    ],
)
def clip(request: pytest.FixtureRequest) -> Clip:
    return read_npz(file_of(request.param))


@pytest.fixture(scope="module")
def measured(clip: Clip, g1: Robot, g1_model: mujoco.MjModel) -> Measured:
    return measure(g1, g1_model, clip)


@pytest.fixture(scope="module")
def walk() -> Clip:
    return read_npz(SHIPPED / "walk_forward.npz")


@pytest.fixture(scope="module")
def walk_measured(walk: Clip, g1: Robot, g1_model: mujoco.MjModel) -> Measured:
    return measure(g1, g1_model, walk)


def standing(clip: Clip) -> np.ndarray:
    """(T, 2) bool: left and right foot carry weight."""
    assert clip.contacts is not None
    return np.stack([clip.contacts[foot] for foot in FEET], axis=1)


def stances(clip: Clip, foot: int) -> list[slice]:
    """Frames of each unbroken stance of a foot."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], standing(clip)[:, foot].astype(int), [0]))))
    return [slice(start, stop) for start, stop in edges.reshape(-1, 2)]


def column(clip: Clip, joint: str) -> np.ndarray:
    return clip.dof_pos[:, clip.joint_names.index(joint)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow, id=name)
        for name in FLAT + TERRAIN + COMMANDS
    ],
)
def test_shipped_clip_is_what_the_gait_gives(name: str, g1_model: mujoco.MjModel, tmp_path: Path) -> None:
    pytest.importorskip("mink")
    from legged_gym.motion.synthesis.gaits import GAITS
    from legged_gym.motion.synthesis.synthesize import synthesize

    made, shipped = synthesize(g1_model, name, GAITS[name]), read_npz(file_of(name))
    assert (made.joint_names, made.fps) == (shipped.joint_names, shipped.fps)
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        np.testing.assert_allclose(getattr(made, field), getattr(shipped, field), rtol=0.0, atol=1e-8)
    assert np.array_equal(standing(made), standing(shipped))
    write_npz(made, tmp_path / "made.npz")
    if (tmp_path / "made.npz").read_bytes() != file_of(name).read_bytes():
        pytest.skip("made on another processor: equal to 1e-8, not to the last bit")


@pytest.mark.parametrize("name", TERRAIN)
def test_shipped_mesh_is_the_gaits_terrain(name: str) -> None:
    pytest.importorskip("mink")
    from legged_gym.motion.synthesis.gaits import GAITS
    from legged_gym.motion.synthesis.terrain import obj_text

    assert file_of(name).with_suffix(".obj").read_text(encoding="utf-8") == obj_text(GAITS[name].terrain)


def test_clips_say_what_they_are(clip: Clip) -> None:
    assert clip.licence == "MIT"
    assert clip.source == f"legged_gym.motion.synthesis, gait {clip.name}"
    assert clip.terrain == (f"{clip.name}.obj" if clip.name in TERRAIN else None)
    assert clip.fps == 50.0
    assert 6.0 < clip.duration < 16.0


def test_synthesis_is_reproducible_bit_for_bit(g1_model: mujoco.MjModel) -> None:
    pytest.importorskip("mink")
    from legged_gym.motion.synthesis.synthesize import Gait, synthesize
    from legged_gym.motion.synthesis.walks import Walk, walk_footsteps

    gait = Gait(walk_footsteps(Walk(advance=(0.2, 0.05, 0.2), num_steps=5, shift_s=0.5, still_s=0.1)))
    first, second = (synthesize(g1_model, "arc", gait) for _ in range(2))
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        assert np.array_equal(getattr(first, field), getattr(second, field))


def test_every_shipped_file_has_a_gait() -> None:
    from legged_gym.motion.synthesis.gaits import GAITS

    assert {path.stem for path in SHIPPED.glob("*.npz")} == set(FLAT)
    assert {path.stem for path in SHIPPED.glob("terrain/*.npz")} == set(TERRAIN)
    assert {path.stem for path in SHIPPED.glob("commands/*.npz")} == set(COMMANDS)
    assert list(GAITS) == [*FLAT, *TERRAIN, *COMMANDS]


def test_feet_do_not_move_while_they_stand(clip: Clip, measured: Measured) -> None:
    for foot in (0, 1):
        for stance in stances(clip, foot):
            points = measured.soles_w[stance, foot]
            assert np.ptp(points, axis=0).max() < 1e-6  # 5 mm is what a clip may have


def test_soles_lie_on_the_ground_when_standing_and_never_below(clip: Clip, measured: Measured) -> None:
    # On a ramp the lowest point of a ball is not the one that touches: 10 mm (1 / cos(10 deg) - 1) is 0.15 mm.
    assert np.abs(measured.clearance[standing(clip)]).max() < 2e-4  # 5 mm is what a clip may have
    assert measured.clearance.min() > -1e-6


@pytest.mark.parametrize("name", TERRAIN)
def test_swinging_feet_keep_8_mm_from_edges(name: str, g1: Robot, g1_model: mujoco.MjModel) -> None:
    clip = read_npz(file_of(name))
    soles = measure(g1, g1_model, clip).soles_w
    around = [ground_of(clip)(soles[..., :2] + np.array([dx, 0.0])) for dx in (-0.008, 0.008)]
    clearance = soles[..., 2] - np.max(around, axis=0)
    assert clearance.min() > -0.0015  # a ramp of 10 degrees rises by 1.4 mm in 8 mm


@pytest.mark.parametrize(
    ("name", "height"), [("walk_slow", 0.048), ("walk_forward", 0.051), ("walk_fast", 0.041)]
)
def test_feet_swing_clear_of_the_ground(
    name: str, height: float, g1: Robot, g1_model: mujoco.MjModel
) -> None:
    clearance = measure(g1, g1_model, read_npz(file_of(name))).clearance.min(axis=-1).max(axis=0)
    np.testing.assert_allclose(clearance, height, atol=0.002)


def test_feet_roll_over_toe_and_heel(walk: Clip, walk_measured: Measured) -> None:
    balls = walk_measured.soles_w[..., 2]  # (T, 2, 4): two balls at the heel, then two at the toe
    heel, toe = balls[..., :2].min(-1), balls[..., 2:].min(-1)
    for foot in (0, 1):
        for before, after in itertools.pairwise(stances(walk, foot)):
            leaves, lands = before.stop + 1, after.start - 1
            assert heel[leaves, foot] > 0.002 > 1e-6 > toe[leaves, foot]
            assert toe[lands, foot] > heel[lands, foot]


def test_joints_keep_their_distance_from_limits(clip: Clip, g1: Robot) -> None:
    order = [clip.joint_names.index(name) for name in g1.joint_names]
    dof_pos = clip.dof_pos[:, order]
    assert (dof_pos - g1.dof_lower).min() > np.radians(2.0)
    assert (g1.dof_upper - dof_pos).min() > np.radians(2.0)
    assert (np.abs(np.gradient(dof_pos, DT, axis=0)) / g1.velocity_limit).max() < 0.65


def test_motors_can_do_it(clip: Clip, g1: Robot, g1_model: mujoco.MjModel) -> None:
    index = ModelIndex(g1_model, clip.joint_names)
    qpos = index.qpos(clip.root_pos, clip.root_quat_wxyz, clip.dof_pos)
    qvel = np.zeros((clip.num_frames, g1_model.nv))
    for frame in range(1, clip.num_frames - 1):
        mujoco.mj_differentiatePos(g1_model, qvel[frame], 2.0 * DT, qpos[frame - 1], qpos[frame + 1])
    limit = effort_limits(index)
    needed = inverse_dynamics_feed_forward(
        index, DT * np.arange(clip.num_frames), qpos, qvel, 10.0 * limit, ground_of(clip)
    )
    assert (np.abs(needed.torque) / limit).max() < 0.9
    assert (
        np.abs(needed.residual_w[:, :3]).max() < 20.0
    )  # N of 327 N that friction on the ground does not hold


def test_knees_stay_bent(clip: Clip) -> None:
    assert min(column(clip, f"{side}_knee_joint").min() for side in ("left", "right")) > 0.3


def test_links_never_touch_each_other(measured: Measured) -> None:
    assert measured.self_contacts == 0


def test_starts_and_ends_standing_still_in_one_pose(clip: Clip) -> None:
    still = round(0.4 / DT)
    for part in (slice(None, still), slice(-still, None)):
        assert standing(clip)[part].all()
        assert np.ptp(clip.dof_pos[part], axis=0).max() < 1e-6
        assert np.ptp(clip.root_pos[part], axis=0).max() < 1e-6
    stand = read_npz(file_of("stand"))  # of all clips, so that any can follow any
    height = ground_of(clip)(clip.root_pos[[0, -1], :2])
    for frame in (0, -1):
        np.testing.assert_allclose(clip.dof_pos[frame], stand.dof_pos[0], atol=1e-6)
        np.testing.assert_allclose(clip.root_pos[frame, 2] - height[frame], stand.root_pos[0, 2], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "speed"),
    [("walk_slow", 0.27 / 0.66), ("walk_fast", 0.43 / 0.40), ("walk_backward", -0.25 / 0.56)],
)
def test_walks_have_their_speeds(name: str, speed: float) -> None:
    clip = read_npz(file_of(name))
    middle = clip.num_frames // 2
    period = round({"walk_slow": 1.32, "walk_fast": 0.8, "walk_backward": 1.12}[name] / DT)  # two steps
    moved = clip.root_pos[middle + period // 2, 0] - clip.root_pos[middle - period // 2, 0]
    assert moved / (period // 2 * 2 * DT) == pytest.approx(speed, rel=0.02)


def yaw_of(clip: Clip) -> np.ndarray:
    w, x, y, z = clip.root_quat_wxyz.T
    return np.unwrap(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))


def test_turn_is_half_a_turn_and_the_circle_closes() -> None:
    turn, circle = read_npz(file_of("turn_in_place")), read_npz(file_of("walk_circle"))
    assert np.ptp(yaw_of(turn)[[0, -1]]) == pytest.approx(np.pi, abs=1e-6)
    assert np.ptp(yaw_of(circle)[[0, -1]]) == pytest.approx(2.0 * np.pi, abs=1e-6)
    np.testing.assert_allclose(circle.root_pos[-1], circle.root_pos[0], atol=1e-3)
    assert np.ptp(circle.root_pos[:, 1]) == pytest.approx(2.0, abs=0.1)  # of 1 m radius


def test_side_step_goes_left_and_comes_back() -> None:
    left = read_npz(file_of("side_step")).root_pos[:, 1]
    assert 0.45 < left.max() - left[0] < 0.45 + 0.08  # three steps of 15 cm, and over the outer foot
    assert left[-1] == pytest.approx(left[0], abs=1e-6)


def test_squat_is_deep_with_heels_down_and_arms_ahead() -> None:
    clip = read_npz(file_of("squat"))
    assert standing(clip).all()
    assert np.ptp(clip.root_pos[:, 2]) > 0.25
    deepest = np.argmin(clip.root_pos[:, 2])
    assert column(clip, "left_knee_joint")[deepest] > 1.8
    assert column(clip, "left_shoulder_pitch_joint")[deepest] < -1.5


def test_one_leg_balance_holds_either_foot_for_2_s() -> None:
    clip = read_npz(file_of("one_leg_balance"))
    for foot in FEET:
        assert np.sum(~clip.contacts[foot]) * DT == pytest.approx(3.8, abs=0.05)  # 0.9 s up and 0.9 s down


def test_walks_straight_at_the_speed_it_says(walk: Clip) -> None:
    landings = sorted(stance.start for foot in (0, 1) for stance in stances(walk, foot)[1:])
    first, last = landings[1], landings[5]  # 4 full steps between speeding up and slowing down
    speed = (walk.root_pos[last, 0] - walk.root_pos[first, 0]) / ((last - first) * DT)
    assert speed == pytest.approx(0.8, abs=0.03)
    assert np.abs(walk.root_pos[:, 1]).max() < 0.06  # sways less than the feet are apart
    assert abs(walk.root_pos[-1, 1] - walk.root_pos[0, 1]) < 1e-6


def test_arms_swing_against_the_legs_and_wrists_rest(walk: Clip, walk_measured: Measured) -> None:
    ankles = walk_measured.soles_w.mean(axis=2)[..., 0]  # (T, 2) x
    lead = ankles[:, 0] - ankles[:, 1]
    backward = column(walk, "left_shoulder_pitch_joint") - column(walk, "right_shoulder_pitch_joint")
    assert np.corrcoef(lead, backward)[0, 1] > 0.9  # left foot ahead, left arm behind
    assert np.abs(backward).max() > 0.4
    assert max(np.abs(column(walk, name)).max() for name in walk.joint_names if "wrist" in name) < 1e-9


def test_torso_turns_against_the_pelvis(walk: Clip, walk_measured: Measured) -> None:
    forward = np.tile([1.0, 0.0, 0.0], (walk.num_frames, 1))
    pelvis, torso = (
        quat_rotate(q, forward)[:, 1] for q in (walk.root_quat_wxyz, walk_measured.torso_quat_wxyz)
    )
    assert np.corrcoef(pelvis, torso)[0, 1] < -0.9
    assert 0.03 < np.abs(torso).max() < 0.12


def ground_push(measured: Measured, mass: float, height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Force (T, 3) of the ground and the point xy (T, 2), at its height (T,), by Newton and Euler on the whole robot.

    d/dt(momentum) = force - weight, and d/dt(angular momentum about c) = (p - c) x force has no horizontal part left
    for a p at height 0: L'_x = (p_y - c_y) F_z + c_z F_y and L'_y = -c_z F_x - (p_x - c_x) F_z.
    """
    # Both momenta halfway between frames, the robot being at rest before and after the clip.
    velocity = np.diff(measured.com_w, axis=0, prepend=measured.com_w[:1], append=measured.com_w[-1:]) / DT
    force = mass * (np.diff(velocity, axis=0) / DT + np.array([0.0, 0.0, GRAVITY]))
    turning = np.diff(measured.angular_momentum_w, axis=0) / DT
    c, f = measured.com_w - height[:, None] * np.array([0.0, 0.0, 1.0]), force
    x = c[:, 0] - (turning[:, 1] + c[:, 2] * f[:, 0]) / f[:, 2]
    y = c[:, 1] + (turning[:, 0] - c[:, 2] * f[:, 1]) / f[:, 2]
    return force, np.stack((x, y), axis=1)


def test_zero_moment_point_lies_inside_the_standing_feet(
    clip: Clip, measured: Measured, g1_model: mujoco.MjModel
) -> None:
    feet = standing(clip)
    ground = measured.soles_w[..., 2].mean(axis=2)  # (T, 2)
    one = feet.sum(axis=1) == 1
    level = np.abs(ground[:, 0] - ground[:, 1]) < 1e-3
    height = np.where(one, ground[np.arange(len(feet)), np.argmax(feet, axis=1)], ground.mean(axis=1))
    _, zmp = ground_push(measured, g1_model.body_subtreemass[1], height)
    for frame in np.flatnonzero(one | level):  # feet at different heights have no common plane to have it in
        polygon = ConvexHull(
            measured.soles_w[frame, feet[frame]].reshape(-1, 3)[:, :2]
        ).equations  # normal, offset
        assert -(polygon[:, :2] @ zmp[frame] + polygon[:, 2]).max() > 0.012, f"frame {frame}"


def test_ground_can_hold_the_push_by_friction(
    clip: Clip, measured: Measured, g1_model: mujoco.MjModel
) -> None:
    force, _ = ground_push(measured, g1_model.body_subtreemass[1], np.zeros(clip.num_frames))
    needed = (np.linalg.norm(force[:, :2], axis=1) / force[:, 2]).max()
    assert needed < (0.5 if clip.name == "walk_fast" else 0.35)  # the soles have 0.6
    assert force[:, 2].min() > 0.5 * GRAVITY * g1_model.body_subtreemass[1]  # nor does it nearly fly
