"""Recordings of walks by command, and the films made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import mujoco
import numpy as np
import pytest
import torch

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation.command_following import stride_means
from legged_gym.evaluation.courses import MadeCourse
from legged_gym.evaluation.gl_renderer import GLRenderer
from legged_gym.evaluation.policies import zero_policy
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.evaluation.scene import GHOST, Scene
from legged_gym.evaluation.video import camera_path, draw_frames
from legged_gym.evaluation.walk_recording import WalkRecording, record_walk
from legged_gym.utils import task_registry
from legged_gym.utils.errors import DependencyError

SIZE = 320, 180


class GlidingRobot(RobotVelocity):
    """No physics: robots glide forwards at ``speed`` without turning, and lean by 1.2 rad from step ``falls_at``."""

    speed = 0.5
    falls_at: int | None = None

    def _simulate(self) -> None:
        sim, zero = self.sim, torch.zeros(self.num_envs, 3)
        down = self.falls_at is not None and int(self.episode_length_buf[0]) + 1 >= self.falls_at
        quat = torch.tensor([[np.cos(0.6), 0.0, np.sin(0.6), 0.0] if down else [1.0, 0.0, 0.0, 0.0]])
        velocity = zero.clone()
        velocity[:, 0] = self.speed
        sim.reset(
            torch.arange(self.num_envs),
            sim.root_pos_w + velocity * self.step_dt,
            quat.repeat(self.num_envs, 1),
            velocity,
            zero,
            sim.dof_pos.clone(),
            torch.zeros_like(sim.dof_vel),
        )


@pytest.fixture
def make_walker() -> Callable[..., GlidingRobot]:
    """Builds an env of one robot on a kind of ground."""

    def make(kind: str = "flat") -> GlidingRobot:
        cfg = task_registry.get("g1").configure().env
        cfg.env.num_envs, cfg.sim.num_threads = 1, 1
        cfg.terrain.kinds, cfg.terrain.num_levels = [kind], 2
        return GlidingRobot(evaluation_config(cfg, "fine"), seed=1)

    return make


def walk(env: GlidingRobot, seconds: float = 0.4, level: int = 0, **options) -> WalkRecording:
    env.terrain.level[:] = level
    return record_walk(MadeCourse(env), zero_policy(env), seconds, **options)


def test_a_walk_notes_command_and_velocity_of_every_step(make_walker) -> None:
    env = make_walker()
    recording = walk(env, command=(0.3, 0.4, 0.2))
    assert recording.robot.shape == (21, 7 + len(env.joint_names))
    assert recording.time[-1] == pytest.approx(0.4)
    assert recording.robot[-1, 0] - recording.robot[0, 0] == pytest.approx(0.2, abs=1e-5)  # 0.5 m/s for 0.4 s
    assert np.allclose(recording.command, (0.3, 0.4, 0.2))
    assert np.allclose(recording.velocity[1:], (0.5, 0.0, 0.0), atol=1e-6)
    assert recording.velocity[0].tolist() == [0.0, 0.0, 0.0]
    # |(0.5 - 0.3, 0 - 0.4)| = 0.447; the start, before any step, does not count.
    assert recording.mean_errors() == (pytest.approx(0.4472, abs=1e-3), pytest.approx(0.2))
    assert recording.outcome() == "walked 0.40 s; velocity error 0.45 m/s and 0.20 rad/s"
    assert {"policy", "observation"} <= set(recording.seconds)
    assert (recording.reference, recording.ground) == (None, None)


def test_a_fixed_command_outlives_the_time_after_which_training_draws_another(make_walker) -> None:
    env = make_walker()
    env.commands.interval = 5
    assert len(np.unique(walk(env, command=(0.3, 0.0, 0.0)).command, axis=0)) == 1
    assert (
        len(np.unique(walk(env).command, axis=0)) == 5
    )  # the first, and those drawn after steps 5, 10, 15, 20


def test_velocity_is_the_mean_over_the_stride_around_a_step() -> None:
    values = np.array([[1.0], [3.0], [5.0], [9.0]])
    assert stride_means(values, 2).ravel().tolist() == pytest.approx([2.0, 3.0, 17.0 / 3.0, 7.0])


def test_a_fall_ends_a_walk_a_second_later(make_walker) -> None:
    env = make_walker()
    env.falls_at = 4
    recording = walk(env, seconds=5.0, command=(0.5, 0.0, 0.0))
    assert (recording.failure, recording.cause, recording.steps) == (4, "fall", 4)
    assert recording.time[-1] == pytest.approx(1.08)
    assert recording.outcome() == "fall after 0.08 s; velocity error 0.00 m/s and 0.00 rad/s", "it glides on"


def test_who_leaves_its_ground_has_not_failed(make_walker) -> None:
    env = make_walker("waves")
    env.speed = 20.0
    recording = walk(env, seconds=5.0, command=(0.5, 0.0, 0.0))
    # 4.5 m from the middle to the edge are 11.25 steps of 0.4 m.
    assert (recording.cause, recording.steps, recording.left) == (None, 12, True)
    assert recording.outcome().startswith("left its ground after 0.24 s; ")


@pytest.mark.parametrize(("level", "name"), [(0, "stairs 0"), (1, "stairs 1")])
def test_the_ground_of_a_walk_is_where_the_robot_is(make_walker, level, name) -> None:
    recording = walk(make_walker("stairs"), seconds=0.04, level=level)
    vertices, faces = recording.ground
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    assert recording.name == name
    assert np.allclose(0.5 * (low + high), recording.robot[0, :2], atol=0.1), "it starts in the middle"
    assert faces.max() < len(vertices)


def test_ways_of_a_command_are_what_a_point_ahead_would_draw(make_walker) -> None:
    recording = walk(make_walker(), seconds=0.04)
    turning = dataclasses.replace(recording, command=np.tile([0.0, 0.0, 0.5], (3, 1)))
    _, way = turning.ways(1)
    assert np.allclose(np.linalg.norm(way, axis=1), 0.2)  # turns on the spot
    assert way[-1].tolist() == pytest.approx([0.2 * np.cos(0.5), 0.2 * np.sin(0.5)])
    both = dataclasses.replace(recording, command=np.tile([0.6, 0.1, 0.5], (3, 1)))
    # The same by small steps of 0.1 ms.
    heading = 0.5 * (np.arange(10_000) + 0.5) * 1e-4
    x = np.sum(0.6 * np.cos(heading) - 0.1 * np.sin(heading)) * 1e-4 + 0.2 * np.cos(0.5)
    y = np.sum(0.6 * np.sin(heading) + 0.1 * np.cos(heading)) * 1e-4 + 0.2 * np.sin(0.5)
    assert both.ways(1)[1][-1].tolist() == pytest.approx([x, y], abs=1e-6)


def test_a_walk_is_filmed_without_a_ghost(make_walker, monkeypatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "off")
    env = make_walker()
    recording = walk(env, command=(0.5, 0.0, 0.0))
    scene = Scene(env.robot, *SIZE, ghost=False)
    assert mujoco.mj_name2id(scene.model, mujoco.mjtObj.mjOBJ_BODY, GHOST + env.robot.root_body) == -1
    assert recording.legend(5) == (
        "velocity +0.50 +0.00 m/s +0.00 rad/s",
        "command +0.50 +0.00 m/s +0.00 rad/s",
    )
    assert recording.figures(5) == "error 0.00 m/s"
    pictures = list(draw_frames(recording, env.robot, 10, *SIZE))
    assert len(pictures) == 3
    assert all(picture.shape == (SIZE[1], SIZE[0], 3) and picture.std() > 20.0 for picture in pictures)
    dial = [picture[:50, :50].astype(int) for picture in pictures]
    # At rest and at 0.5 m/s: only the light arrow grows.
    assert np.abs(dial[1] - dial[0]).max() > 60
    assert np.array_equal(dial[1], dial[2])


def test_terrain_shows_in_the_pictures_of_a_walk(make_walker) -> None:
    env = make_walker("stairs")
    recording = walk(env, seconds=0.04)
    pictures = []
    for ground in (recording.ground, None):
        scene = Scene(env.robot, *SIZE, ground, ghost=False)
        try:
            renderer = GLRenderer(scene, *SIZE)
        except DependencyError as error:
            pytest.skip(str(error))
        scene.set_poses(recording.robot[0])
        pictures.append(renderer.draw(camera_path(recording)[0]).astype(int))
        renderer.close()
    below = np.abs(pictures[0] - pictures[1]).sum(-1)[SIZE[1] // 2 :]
    assert (below > 60).mean() > 0.2, "stairs around the robot"
