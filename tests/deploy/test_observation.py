"""Every term of the robot's observations against training's own, on states of its simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from legged_gym.deploy import rotations as rot
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.height_map import MapInput, middle_of
from legged_gym.deploy.observation import TERMS, missing_sources
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.remote import Remote
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.deploy.surroundings import HeightMap, Odometry
from legged_gym.envs.base.joystick import Joystick
from legged_gym.utils.errors import ConfigError
from tests.deploy.robots import build_env, described, low_state, odometry

OF_A_CLIP = [
    name
    for name, (_, needs) in TERMS.items()
    if "velocity" not in needs and name not in ("lin_vel_h", "terrain_height_noisy")
]
STACKED = ["history_torso_real", "history_anchor_rot6d_error", "history_dof_vel"]
STUDENT = ["history_torso_real", "torso_xy_rel", "torso_yaw_rel", "terrain_height_noisy"]
TOLERANCE = 2e-5
"""Single precision over a walk of 3 m and velocities up to 8 rad/s."""


def shaped(cfg) -> None:
    """Everything a layout can do: scales, clips, histories of different lengths, two frames ahead."""
    obs = cfg.observations
    obs.scales, obs.clips = {"dof_vel": 0.05, "torso_real": 2.0}, {"dof_vel": 3.0, "anchor_pos_error_b": 0.01}
    obs.history_lengths, obs.num_next_obs = {"torso_real": 3}, 2
    cfg.control.beta = 0.8


def of_type(kind: str, feed_forward: str = "none"):
    def change(cfg) -> None:
        cfg.control.control_type, cfg.control.feed_forward = kind, feed_forward

    return change


CASES = {
    "every term of a clip": ("g1_deepmimic_heightfield", [*OF_A_CLIP, *STACKED], shaped),
    "g1_deepmimic": ("g1_deepmimic", [], None),
    "g1_deepmimic, feed-forward": ("g1_deepmimic", [], of_type("residual", "pd")),
    "blind student": (
        "g1_deepmimic",
        [*STUDENT[:3], "history_torso_xy_rel", "upper_body_joint_targets"],
        of_type("P"),
    ),
    "student with eyes": ("g1_deepmimic_root_heightfield", STUDENT, None),
}


@pytest.fixture(scope="module", params=CASES)
def tracker(request):
    """An env that tracks a clip, and the bundle of its policy."""
    task, actor, change = CASES[request.param]
    env = build_env(task, actor, change)
    return env, described(env, task)


def test_terms_and_targets_are_those_of_training(tracker):
    env, bundle = tracker
    compare(env, bundle, odometry, TOLERANCE)


def test_odometry_may_start_anywhere_and_face_any_way(tracker):
    env, bundle = tracker
    turn, shift = rot.yaw_quat(2.3), np.array([5.0, -3.0, 0.4])

    def elsewhere(env) -> Odometry:
        here = odometry(env)
        return Odometry(
            0.0,
            np.array(rot.rotate(turn, rot.vector(here.root_pos_w))) + shift,
            np.array(rot.multiply(turn, rot.quat(here.root_quat_wxyz))),
            np.array(rot.rotate(turn, rot.vector(here.root_lin_vel_w))),
        )

    compare(env, bundle, elsewhere, TOLERANCE)


def compare(env, bundle, measure, tolerance: float) -> None:
    """Play 40 steps from the clip's first frame, robot and env side by side."""
    rng, answers = torch.Generator().manual_seed(4), []
    pilot = Pilot(bundle, lambda _: answers[-1], SteeringCfg(), drive="clip")
    pilot.begin()
    everyone = torch.arange(env.num_envs)
    env.reset_to(everyone, torch.zeros_like(everyone), noisy=False)
    observations = env.observe(everyone)
    motors, grid = MotorMap(bundle.spec), bundle.spec.height_map
    for step in range(40):
        action = 0.3 * torch.randn(env.num_envs, env.num_actions, generator=rng)
        answers.append(action[:1].numpy())
        ground = None if grid is None else env.sensors.value(grid.term)[0].numpy()
        state = motors.robot_state(low_state(bundle, env))
        got = pilot.step(state, measure(env), ground, Remote())
        assert got.frame == env.frame[0]
        for term in bundle.spec.observation.terms:
            part = slice(term.start, term.stop)
            expected = observations["actor"][0, part].numpy()
            error = np.abs(got.observation[part] - expected).max()
            assert error < tolerance, f"{term.name} in step {step}: {error}"
        env.advance(action)
        observations = env.observe()
        np.testing.assert_allclose(got.applied, env.actions[0].numpy(), atol=1e-5)
        np.testing.assert_allclose(got.targets, env.joint_targets[0].numpy(), atol=1e-4)


def test_a_walker_is_told_its_velocity_and_its_stride():
    env = build_env("g1", ["lin_vel_h", "velocity_commands", "gait_phase", "torso_real", "actions"])
    bundle = described(env, "g1")
    answers = []
    pilot = Pilot(bundle, lambda _: answers[-1], SteeringCfg())
    pilot.begin()
    everyone, motors = torch.arange(env.num_envs), MotorMap(bundle.spec)
    env.reset_to(everyone, noisy=False)
    stop = 20
    for step in range(stop + 60):  # walks, then stands; its clock stops a stride (40 steps) later
        remote = Remote(ly=0.5, lx=-0.25, rx=-0.5) if step < stop else Remote(ly=0.02)
        command = torch.tensor([[0.4, 0.2, 0.25]]) if step < stop else torch.zeros(1, 3)
        if step in (0, stop):
            env.commands.set(everyone, command.expand(env.num_envs, 3))
        env.commands.age.clamp_(max=env.commands.interval - 2)  # no command of its own
        observations = env.observe(everyone if step == 0 else None)
        action = torch.zeros(env.num_envs, env.num_actions)
        answers.append(action[:1].numpy())
        state = motors.robot_state(low_state(bundle, env))
        got = pilot.step(state, odometry(env), None, remote)
        np.testing.assert_allclose(got.observation, observations["actor"][0].numpy(), atol=TOLERANCE)
        env.advance(action)


def test_a_student_sees_the_target_of_trainings_joystick():
    task = "g1_deepmimic_root_heightfield"
    terms = [*STUDENT, "history_torso_xy_rel", "upper_body_joint_targets", "target_root_pitch"]
    env = build_env(task, terms)
    bundle, answers = described(env, task), []
    pilot = Pilot(bundle, lambda _: answers[-1], SteeringCfg(lin_vel_x=0.8))
    assert pilot.steered
    pilot.begin()
    everyone = torch.arange(env.num_envs)
    env.drive_by(Joystick(env))
    env.reset_to(everyone, torch.zeros_like(everyone), noisy=False)
    observations = env.observe(everyone)
    env.joystick.commands.set(everyone, torch.tensor([[0.4, 0.15, -0.3]]).expand(2, 3))
    motors, rng = MotorMap(bundle.spec), torch.Generator().manual_seed(5)
    for _ in range(30):
        action = 0.2 * torch.randn(env.num_envs, env.num_actions, generator=rng)
        answers.append(action[:1].numpy())
        ground = env.sensors.value("terrain_height_noisy")[0].numpy()
        state = motors.robot_state(low_state(bundle, env))
        got = pilot.step(state, odometry(env), ground, Remote(ly=0.5, lx=-0.5, rx=1.0))
        np.testing.assert_allclose(got.observation, observations["actor"][0].numpy(), atol=TOLERANCE)
        env.advance(action)
        observations = env.observe()
    assert np.abs(got.observation[bundle_slice(bundle, "torso_xy_rel")]).min() > 0.01


def bundle_slice(bundle, name: str) -> slice:
    return next(slice(t.start, t.stop) for t in bundle.spec.observation.terms if t.name == name)


def test_a_map_of_the_surroundings_is_what_the_sensor_sees():
    """The env's own scan, from heights that a mapping program would send, row by row."""
    env = build_env("g1_deepmimic_root_heightfield", STUDENT)
    bundle = described(env, "g1_deepmimic_root_heightfield")
    grid = bundle.spec.height_map
    assert grid.shape == (11, 11)
    assert grid.flat_distance == pytest.approx(
        env.robot.default_root_height + 0.044, abs=0.005
    )  # the torso's origin is 44 mm above the pelvis'
    body = env.sim.body_index(grid.body)
    position, quat = env.sim.body_pos_w[0, body], env.sim.body_quat_wxyz[0, body]
    yaw = rot.yaw_of(rot.quat(quat.numpy()))
    axis = 0.1 * np.arange(-10, 11)  # a larger map, with the policy's points in its middle
    x, y = np.meshgrid(axis, axis)
    points = np.stack((math.cos(yaw) * x - math.sin(yaw) * y, math.sin(yaw) * x + math.cos(yaw) * y), axis=-1)
    points = torch.from_numpy(points.reshape(1, -1, 2)).float() + position[:2]
    heights = env.terrain.heights(env.tile[:1], points)[0].numpy().reshape(21, 21) - position[2].item()
    sent = HeightMap(3.0, position.numpy(), yaw, 0.1, heights)
    read, age = MapInput(grid, flat_after_s=0.3).read(middle_of(sent, grid), now=3.1)
    assert age == pytest.approx(0.1)
    np.testing.assert_allclose(read, env.sensors.value("terrain_height_noisy")[0].numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("given", "steered", "missing"),
    [
        (set(), False, {"torso_xy_rel", "torso_yaw_rel", "terrain_height_noisy"}),
        ({"clip", "anchor"}, False, {"torso_xy_rel", "terrain_height_noisy"}),
        ({"clip", "anchor", "odometry", "height map"}, False, set()),
        ({"height map"}, True, set()),
    ],
)
def test_what_a_robot_cannot_measure_itself_is_named(tracker, given, steered, missing):
    _, bundle = tracker
    if [term.name for term in bundle.spec.observation.terms] != STUDENT:
        pytest.skip("about the student with eyes")
    problems = missing_sources(bundle.spec, given, steered)
    assert {text.split()[0] for text in problems} == missing


def test_a_term_that_nothing_measures_is_refused_by_name():
    env = build_env("g1_deepmimic", ["dof_pos", "foot_contact", "history_body_pos_b"])
    bundle = described(env, "g1_deepmimic")
    with pytest.raises(ConfigError, match="the observation foot_contact, body_pos_b"):
        Pilot(bundle, lambda x: x, SteeringCfg())


def test_a_policy_that_is_told_joints_is_led_by_its_clip_alone(tracker):
    env, bundle = tracker
    steerable = env.cfg.control.action_type == "P"
    assert Pilot(bundle, lambda x: x, SteeringCfg()).steered == steerable
    if not steerable:
        with pytest.raises(ConfigError, match="a joystick cannot lead it"):
            Pilot(bundle, lambda x: x, SteeringCfg(), drive="joystick")
