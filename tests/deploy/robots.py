"""Training's envs as a robot would report them, and bundles of their policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.deploy.bundle import Bundle, read_bundle
from legged_gym.deploy.messages import LOW_STATE, decode_state
from legged_gym.deploy.surroundings import Odometry
from legged_gym.deploy.transport import LowState
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.rl.bundle_content import describe, record_steps, reference_arrays
from legged_gym.rl.checkpoint import layout_of
from legged_gym.rl.export import export_bundle
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.provenance import make_provenance
from legged_gym.rl.rl_config import PolicyCfg
from legged_gym.sim.robot_model import build_robot
from legged_gym.utils import task_registry

CLIP = "g1/walk_forward.npz"


def build_env(task: str, actor: Sequence[str] = (), change: Any = None) -> Any:
    """Two robots of a task, free of noise, starting exactly on the reference."""
    spec = task_registry.get(task)
    cfg = spec.configure().env
    cfg.env.num_envs, cfg.sim.num_threads = 2, 1
    if actor:
        cfg.observations.actor = list(actor)
    if hasattr(cfg, "deepmimic"):
        cfg.deepmimic.amass_replay_data_path = [CLIP]
        cfg.deepmimic.ground_align = True
    if change is not None:
        change(cfg)
    return spec.load_env_class()(evaluation_config(cfg, "as_trained", start_noise=0.0), seed=1)


def described(env: Any, task: str) -> Bundle:
    """The bundle of a task without its files."""
    names = getattr(env, "data", None)
    clips = {} if names is None else dict.fromkeys(names.clip_names, Path(__file__))
    origin = make_provenance(config={}, run="a_run", iteration=1, samples=1, clips=clips, evaluation=None)
    whole = build_robot(replace(env.cfg.asset, locked_joints=[]), env.cfg.control)
    return Bundle(Path("nowhere"), describe(env, task, whole, True, origin), {}, reference_arrays(env))


def exported(env: Any, task: str, out: Path, tameness: float = 0.01) -> Bundle:
    """A bundle of an untrained policy whose actions are nearly 0, by ``tameness``."""
    torch.manual_seed(0)
    cfg = PolicyCfg(actor_hidden_dims=(32, 32), init_noise_std=0.1)
    actor, _ = build_actor_critic(env.get_observations(), env.num_actions, cfg, layout_of(env))
    with torch.no_grad():
        for parameter in list(actor.mlp.parameters())[-2:]:
            parameter.mul_(tameness)
    bundle = described(env, task)
    export_bundle(out, actor, bundle.spec, lambda act: record_steps(env, act, 20), bundle.reference)
    return read_bundle(out)


def low_state(bundle: Bundle, env: Any, received: float = 0.0) -> LowState:
    """What the first robot of an env would publish."""
    sim, joints = env.sim, bundle.spec.joint_names
    return make_low_state(
        bundle,
        quat_wxyz=sim.root_quat_wxyz[0].numpy(),
        gyro_b=sim.root_ang_vel_b[0].numpy(),
        q=dict(zip(joints, sim.dof_pos[0].tolist(), strict=True)),
        dq=dict(zip(joints, sim.dof_vel[0].tolist(), strict=True)),
        received=received,
    )


def make_low_state(
    bundle: Bundle,
    quat_wxyz: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
    gyro_b: Sequence[float] = (0.0, 0.0, 0.0),
    q: dict[str, float] | None = None,
    dq: dict[str, float] | None = None,
    tick: int = 0,
    received: float = 0.0,
    remote: bytes = b"\x01" + bytes(39),
    **motor: Any,
) -> LowState:
    """A state of a healthy robot with what is given; angles and velocities by joint, 0 otherwise."""
    row = np.zeros((), LOW_STATE)
    order = bundle.spec.motor_order
    row["mode_machine"], row["tick"] = 5, tick
    row["quat_wxyz"], row["gyro_b"] = quat_wxyz, gyro_b
    row["remote"] = np.frombuffer(remote, np.uint8)
    motors = row["motor"]
    motors["mode"][: len(order)], motors["temperature"][:], motors["voltage"][:] = 1, (35, 45), 52.0
    for name, values in (("q", q or {}), ("dq", dq or {})):
        for joint, value in values.items():
            motors[name][order.index(joint)] = value
    for name, value in motor.items():
        motors[name][: len(order)] = value
    return decode_state(row.tobytes(), received)


def odometry(env: Any, stamp: float = 0.0) -> Odometry:
    """What a perfect odometry would say of the first robot."""
    sim = env.sim
    parts = (sim.root_pos_w, sim.root_quat_wxyz, sim.root_lin_vel_w)
    return Odometry(stamp, *(part[0].double().numpy() for part in parts))
