"""Driving by joystick: where the target goes, what the robot sees of it, and the same on the robot's computer."""

from __future__ import annotations

import math as pymath
import shutil

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from legged_gym.deploy.carrot import Carrot
from legged_gym.deploy.carrot import moved as moved_on_robot
from legged_gym.envs.base.joystick import Joystick, leashed, moved, ramped
from legged_gym.envs.base.joystick_config import CLIP_TERMS, DRAWN, LEASH_M, LEASH_RAD
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.terms import reference_observations
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.utils import task_registry
from legged_gym.utils.errors import ConfigError, MotionError
from legged_gym.utils.math import yaw_of

DT = 0.02
EVERYONE = torch.arange(2)


@pytest.fixture
def make_student(sway_clip):
    """Builds a student of two robots that sees three numbers and upper body targets."""

    def make(clip=sway_clip, task="g1_deepmimic_dagger", **observations) -> RobotDeepMimic:
        cfg = task_registry.get(task).configure().env
        cfg.env.num_envs, cfg.sim.num_threads = 2, 1
        cfg.deepmimic.amass_replay_data_path = [str(clip)]
        for name, value in observations.items():
            setattr(cfg.observations, name, value)
        return RobotDeepMimic(cfg, seed=1)

    return make


def drive(env: RobotDeepMimic, *command: float) -> Joystick:
    joystick = Joystick(env)
    env.drive_by(joystick)
    joystick.commands.set(EVERYONE, torch.tensor([command]).repeat(2, 1))
    return joystick


def step(env: RobotDeepMimic) -> None:
    env.advance(torch.zeros(2, env.num_actions))


# ---------------------------------------------------------------------- where the target goes


def test_a_target_goes_round_the_circle_that_its_velocities_say():
    speed, turning, steps = 0.4, 0.25, 400  # 8 s, 2 rad
    pose = torch.tensor([[1.0, -2.0, 0.3]], dtype=torch.float64)
    for _ in range(steps):
        pose = moved(pose, torch.tensor([[0.0, speed, turning]], dtype=torch.float64), DT)
    # velocity to the left is at heading + 90 degrees; radius v / w
    angle, radius = turning * steps * DT, speed / turning
    east, north = radius * np.sin(angle), radius * (1.0 - np.cos(angle))
    heading = 0.3 + 0.5 * np.pi
    expected = (
        1.0 + np.cos(heading) * east - np.sin(heading) * north,
        -2.0 + np.sin(heading) * east + np.cos(heading) * north,
        0.3 + angle,
    )
    np.testing.assert_allclose(pose[0], expected, atol=1e-5)


def test_the_leash_is_as_long_ahead_as_to_the_side_and_lets_turn_by_less():
    robots = torch.tensor([[1.0, 1.0, 0.5 * np.pi]] * 4)  # looking along world y
    away = torch.tensor([[0.0, 2.0, 0.0], [-2.0, 0.1, 0.0], [0.1, -0.2, 0.2], [0.0, 0.0, 2.0 * np.pi - 1.0]])
    seen = leashed(robots + away, robots) - robots
    expected = [[0, LEASH_M, 0], [-LEASH_M, 0.1, 0], [0.1, -0.2, 0.2], [0, 0, -LEASH_RAD]]
    torch.testing.assert_close(seen, torch.tensor(expected), atol=1e-6, rtol=0)


def test_the_robots_computer_moves_the_target_as_training_does():
    rng = np.random.default_rng(1)
    carrot, robot = Carrot(), np.array([0.3, -0.2, 3.0])
    carrot.restart(tuple(robot))
    pose = torch.from_numpy(robot)[None].clone()
    velocity = torch.zeros(1, 3, dtype=torch.float64)
    tight = 0
    for number in range(600):
        if number % 60 == 0:
            command = rng.uniform(-1.5, 1.5, 3)
        robot = robot + DT * rng.normal(0.3, 1.0, 3)  # heading passes pi several times
        robot[2] = pymath.remainder(robot[2], 2.0 * pymath.pi)
        seen = carrot.move_on(tuple(command), DT, tuple(robot))
        assert carrot.pose[2] == pytest.approx(robot[2] + seen[2])
        there = torch.from_numpy(robot)[None]
        velocity = ramped(velocity, torch.from_numpy(command)[None], DT)
        pose = leashed(moved(pose, velocity, DT), there)
        np.testing.assert_allclose(pose[0], carrot.pose, atol=1e-9)
        tight += LEASH_M in (abs(seen[0]), abs(seen[1]))
    assert 20 < tight < 580  # both a tight and a slack leash were seen
    assert moved_on_robot((0.0, 0.0, 0.0), (0.5, 0.0, 0.0), DT) == (0.01, 0.0, 0.0)


# ---------------------------------------------------------------------- what stands in for the reference


def test_a_student_sees_the_target_in_the_frame_of_its_heading(make_student):
    env = make_student(actor=["torso_xy_rel", "torso_yaw_rel", "upper_body_joint_targets"])
    joystick = drive(env, 0.5, -0.2, 0.3)
    assert joystick.pose[:, :2].equal(env.anchor_pos_w[:, :2])
    for _ in range(5):
        step(env)
    away = joystick.pose[0] - torch.cat((env.anchor_pos_w[0, :2], yaw_of(env.anchor_quat)[:1]))
    turned_back = Rotation.from_euler("z", -float(yaw_of(env.anchor_quat)[0])).apply(
        [*away[:2].tolist(), 0.0]
    )
    seen = env.observe()["actor"][0]
    np.testing.assert_allclose(seen[:2], turned_back[:2], atol=1e-6)
    np.testing.assert_allclose(seen[2], away[2], atol=1e-6)
    assert seen[:3].abs().min() > 0.002 and seen[:3].abs().max() > 0.02
    assert not seen[3:].any()  # arms of the default pose


def test_the_target_stands_in_the_default_pose_on_its_place(make_student):
    env = make_student()
    joystick = drive(env, 0.3, 0.1, -0.4)
    for _ in range(3):
        step(env)
    ref = env.reference
    joints = env.default_dof_pos.repeat(2, 1)
    torch.testing.assert_close(ref.dof_pos, joints)
    zero = torch.zeros(2, 3)
    env.sim.reset(EVERYONE, ref.root_pos_w, ref.root_quat_wxyz, zero, zero, joints, torch.zeros_like(joints))
    torch.testing.assert_close(env.sim.body_pos_w, ref.body_pos_w, atol=1e-5, rtol=0)
    torch.testing.assert_close(env.sim.body_quat_wxyz.abs(), ref.body_quat_wxyz.abs(), atol=1e-5, rtol=0)
    torch.testing.assert_close(joystick.pose[:, :2], ref.body_pos_w[:, env.anchor, :2], atol=1e-5, rtol=0)
    soles = env.sim.body_pos_w[:, env.feet_bodies, 2]
    assert soles.min() > 0.0 and soles.max() < 0.06  # ankles just above the floor


def test_the_targets_bodies_move_as_fast_as_its_velocities_say(make_student):
    env = make_student()
    joystick = drive(env, 0.4, 0.2, 0.3)
    step(env)
    before = {name: getattr(env.reference, name).clone() for name in ("root_pos_w", "body_pos_w")}
    velocity = {name: getattr(env.reference, name).clone() for name in ("root_lin_vel_w", "body_lin_vel_w")}
    joystick.pose = moved(joystick.pose, joystick.velocity, 1e-3)
    joystick._place()
    env.refresh()
    for place, speed in zip(before, velocity, strict=True):
        change = (getattr(env.reference, place) - before[place]) / 1e-3
        torch.testing.assert_close(change, velocity[speed], atol=2e-3, rtol=0)


def test_on_terrain_the_target_goes_over_the_ground(make_student, step_clip):
    env = make_student(step_clip, "g1_deepmimic_root_heightfield_no_history_dagger")
    joystick = drive(env, 0.0, 0.0, 0.0)
    on_top = env.reference.root_pos_w[:, 2].clone()
    torch.testing.assert_close(
        on_top, torch.full((2,), env.robot.default_root_height + 0.2), atol=1e-4, rtol=0
    )
    joystick.pose[:, :2] = env.env_offsets[:, :2] + torch.tensor([-2.0, 2.0])  # beside the platform
    joystick._place()
    env.refresh()
    torch.testing.assert_close(env.reference.root_pos_w[:, 2], on_top - 0.2, atol=1e-4, rtol=0)


def test_who_is_driven_stays_in_the_clip_and_goes_on_until_it_falls(make_student):
    env = make_student()
    env.max_episode_length = 3
    frames = env.frame.clone()
    drive(env, 0.0, 0.0, 0.0)
    assert set(env.termination_names) == {"diverged", "anchor_height", "anchor_tilt"}
    ended = [env.step(torch.zeros(2, env.num_actions))[2] for _ in range(6)]
    assert not torch.stack(ended).any() and env.frame.equal(frames)
    lying = torch.tensor([0.7071, 0.0, 0.7071, 0.0]).repeat(2, 1)
    zero, joints = torch.zeros(2, 3), env.default_dof_pos.repeat(2, 1)
    env.sim.reset(
        EVERYONE, env.reference.root_pos_w - 0.5, lying, zero, zero, joints, torch.zeros_like(joints)
    )
    assert env.step(torch.zeros(2, env.num_actions))[2].all()


def test_an_episode_that_begins_anew_has_its_target_where_the_robot_is(make_student):
    env = make_student()
    joystick = drive(env, 0.5, 0.0, 0.3)
    for _ in range(20):
        step(env)
    env.reset_to(torch.tensor([1]), torch.tensor([30]), noisy=False)
    there = torch.cat((env.anchor_pos_w[:, :2], yaw_of(env.anchor_quat).unsqueeze(-1)), dim=-1)
    torch.testing.assert_close(joystick.pose[1], there[1])
    assert (joystick.pose[0] - there[0]).abs().max() > 0.05
    clip = env.data.table.at(torch.tensor([30]))
    torch.testing.assert_close(env.sim.dof_pos[1], clip.dof_pos[0])  # the start is the clip's


def test_without_the_joystick_clips_lead_again(make_student):
    env = make_student()
    frames, rules = env.frame.clone(), env.termination_names
    drive(env, 0.5, 0.0, 0.0)
    step(env)
    env.drive_by(None)
    step(env)
    assert env.frame.equal(frames + 1) and env.termination_names == rules
    torch.testing.assert_close(env.reference.dof_pos, env.data.dof_pos[env.frame])


def test_commands_of_an_evaluation_lie_in_their_ranges_and_change_every_five_seconds(make_student):
    env = make_student()
    joystick = Joystick(env, DRAWN)
    joystick.commands.draw(EVERYONE)
    drawn = []
    for _ in range(100):
        joystick.commands.draw(EVERYONE)
        drawn.append(joystick.commands.value.clone())
    most = torch.cat(drawn).abs().amax(0)
    assert (most <= torch.tensor([0.5, 0.3, 0.3])).all() and (most > torch.tensor([0.45, 0.27, 0.27])).all()
    assert joystick.commands.interval == 250


def test_a_target_reaches_its_velocity_by_the_ramp_and_stops_by_it(make_student):
    env = make_student()
    joystick = drive(env, 0.3, 0.0, 0.0)
    speeds = []
    for number in range(60):
        if number == 30:
            joystick.commands.set(EVERYONE, torch.zeros(2, 3))
        step(env)
        speeds.append(float(joystick.velocity[0, 0]))
    expected = [*np.arange(0.012, 0.3, 0.012), *[0.3] * 6, *np.arange(0.288, 0.0, -0.012), *[0.0] * 6]
    np.testing.assert_allclose(speeds, expected, atol=1e-6)  # 0.6 m/s^2 at 50 Hz


# ---------------------------------------------------------------------- some are driven in training


@pytest.fixture
def half(make_student, sway_clip):
    """Two robots in training: a joystick drives the first, the clip leads the other."""

    def make(**of_motion) -> RobotDeepMimic:
        cfg = make_student().cfg
        cfg.deepmimic.joystick_share = 0.5
        for name, value in of_motion.items():
            setattr(cfg.deepmimic, name, value)
        return RobotDeepMimic(cfg, seed=1)

    return make


def test_of_two_robots_one_is_driven_and_the_other_follows_its_clip(half):
    env = half()
    frames = env.frame.clone()
    for _ in range(4):
        step(env)
    assert env.frame.tolist() == [int(frames[0]), int(frames[1]) + 4]
    clip = env.data.table.at(env.frame)
    for name in ("dof_pos", "root_lin_vel_w", "body_pos_w"):
        torch.testing.assert_close(getattr(env.reference, name)[1], getattr(clip, name)[1])
    torch.testing.assert_close(env.reference.dof_pos[0], env.default_dof_pos)
    torch.testing.assert_close(env.ref_anchor_pos_w[0, :2], env.joystick.pose[0, :2])
    ahead = env.reference_at(env.frames_ahead(torch.tensor([1, 5])))
    torch.testing.assert_close(ahead.dof_pos[0], env.default_dof_pos.repeat(2, 1))
    torch.testing.assert_close(ahead.dof_pos[1], env.data.dof_pos[env.frame[1] + torch.tensor([1, 5])])


def test_the_driven_ones_episodes_begin_with_new_commands_and_end_in_time(half):
    env = half()
    env.max_episode_length = 3
    env.frame[1] = env.last_frame[1] - 1
    first = env.joystick.commands.value.clone()
    steps = [env.step(torch.zeros(2, env.num_actions))[2].tolist() for _ in range(3)]
    assert steps[0] == [0, 1] and steps[2][0] == 1  # the clip is over; the time is
    assert not env.joystick.commands.value.equal(first)
    assert not env.joystick.velocity.any()


def test_falls_of_the_driven_are_not_the_clips(half):
    env = half()
    lying = torch.tensor([0.7071, 0.0, 0.7071, 0.0]).repeat(2, 1)
    zero, joints = torch.zeros(2, 3), env.default_dof_pos.repeat(2, 1)
    ids = torch.tensor([0])
    env.sim.reset(ids, env.sim.root_pos_w[:1], lying[:1], zero[:1], zero[:1], joints[:1], joints[:1] * 0)
    assert env.step(torch.zeros(2, env.num_actions))[2][0]
    assert not env.starts.failures.any()
    assert env.iteration_log()["Joystick/falls_per_minute"] == pytest.approx(60 / DT)


def test_a_distance_that_ends_a_clip_does_not_end_a_drive(half):
    env = half()
    env.cfg.terminations.anchor_distance = 1e-6
    env._take_rules()
    done = env.step(torch.zeros(2, env.num_actions))[2]
    assert done.tolist() == [0, 1]


def test_commands_of_training_reach_as_far_as_the_scale_says(half):
    env = half(joystick_command_scale=2.0)
    first = torch.zeros(1, dtype=torch.long)
    drawn = []
    for _ in range(600):
        env.joystick.commands.draw(first)
        drawn.append(env.joystick.commands.value[0].clone())
    reach = torch.stack(drawn).abs().amax(0)
    torch.testing.assert_close(reach, torch.tensor([1.0, 0.6, 0.6]), atol=0.05, rtol=0)
    assert (reach <= torch.tensor([1.0, 0.6, 0.6])).all()


def test_the_driven_begin_at_the_clips_named_and_the_others_anywhere(half, sway_clip, tmp_path):
    shutil.copy(sway_clip, tmp_path / "other.npz")
    clips = [str(sway_clip), str(tmp_path / "other.npz")]
    env = half(
        joystick_clips=["oth*"], amass_replay_data_path=clips, clip_weighting_strategy="failure_bin_adaptive"
    )
    env.starts.note_failures(
        torch.zeros(1, dtype=torch.long), torch.ones(1, dtype=torch.bool)
    )  # the first clip fails
    begun = []
    for _ in range(40):
        env.reset()
        begun.append(env.data.clip_of(env.frame).tolist())
    driven, led = zip(*begun, strict=True)
    assert set(driven) == {env.data.clip_names.index("other")}
    assert set(led) == {0, 1}


def test_a_clip_to_begin_at_that_is_not_there_is_refused(half):
    with pytest.raises(
        MotionError, match=r"deepmimic.joystick_clips: no clip is called 'stairs'; there are sway"
    ):
        half(joystick_clips=["stairs"])


def test_a_resumed_run_drives_on_bit_for_bit(half):
    env, again = half(), half()
    for _ in range(7):
        env.step(torch.zeros(2, env.num_actions))
    state = env.state_dict()
    for _ in range(3):
        again.step(torch.ones(2, env.num_actions))
    again.load_state_dict(state)
    for _ in range(300):  # a new command comes at 250
        seen, also = (e.step(torch.zeros(2, env.num_actions))[0]["actor"] for e in (env, again))
        assert seen.equal(also)


def test_evaluation_gives_everyone_a_clip(half):
    assert evaluation_config(half().cfg, "as_trained").deepmimic.joystick_share == 0.0


# ---------------------------------------------------------------------- who can be driven


def test_a_policy_that_needs_a_clip_is_refused(make_student):
    with pytest.raises(ConfigError, match=r"residual.*about a clip's joints"):
        Joystick(make_student(task="g1_deepmimic"))
    with pytest.raises(ConfigError, match="history_target_joints, phase can only come from a clip"):
        Joystick(make_student(actor=["history_target_joints", "torso_xy_rel", "phase"]))


def test_every_term_that_no_joystick_gives_exists():
    assert all(hasattr(reference_observations, name) for name in CLIP_TERMS)
