"""What a policy bundle says about the env its policy was trained in.

The env is read through these attributes, beyond rsl_rl's VecEnv:

* ``cfg``: the env's configuration; ``robot``: its joints and their numbers;
* ``observation_layout()``: group -> layout with ``size`` and ``terms`` (name, start, stop, history, scale, clip);
* ``actions``, ``joint_targets``: the last step's action as applied and what the servos were told, (N, J);
* only of envs that follow velocities: ``cfg.commands`` and ``cfg.gait``;
* only of envs that see the ground: ``cfg.sensors``, with a height scan of the name of the term;
* only of envs that follow clips: ``data``, all clips; ``frame``, each robot's frame in them, (N,); ``anchor``, index of
  the anchor body; ``upper_body``, indices of joints; ``target_offsets``, servo targets of a zero action, (F, J).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from legged_gym.bundle.schema import (
    SCHEMA_VERSION,
    ActionSpec,
    BundleSpec,
    ChainLinkSpec,
    HeightMapSpec,
    JointSpec,
    LockedJointSpec,
    ObservationSpec,
    PolicySpec,
    Provenance,
    RateSpec,
    ScaleSpec,
    TermSpec,
    TrackingSpec,
    VelocitySpec,
)
from legged_gym.utils.errors import ConfigError

MAP_TERMS = ("terrain_height", "terrain_height_noisy")
POLICY_GROUP = "actor"
"""The observation group that the policy sees."""


def describe(env: Any, task: str, whole_robot: Any, normalized: bool, provenance: Provenance) -> BundleSpec:
    """Describe a policy's interface, with no files yet.

    Args:
        env: See the module's docstring.
        task: Name of the task.
        whole_robot: The env's robot with no joint locked; same attributes as ``env.robot``.
        normalized: Whether the policy shifts and scales its observations.
        provenance: Where the policy came from.
    """
    cfg = env.cfg
    return BundleSpec(
        schema_version=SCHEMA_VERSION,
        task=task,
        robot=cfg.asset.robot,
        joints=_joints(env.robot),
        locked_joints=_locked_joints(env.robot, whole_robot),
        motor_order=tuple(whole_robot.joint_names),
        action=ActionSpec(
            type=cfg.control.action_type,
            feed_forward=cfg.control.feed_forward,
            clip=float(cfg.normalization.clip_actions),
            beta=float(cfg.control.beta),
        ),
        rates=RateSpec(
            control_dt=float(cfg.sim.dt * cfg.control.decimation),
            physics_dt=float(cfg.sim.dt),
            decimation=cfg.control.decimation,
        ),
        policy=PolicySpec("observations", "actions", "inside" if normalized else "none"),
        observation=_observation(env),
        tracking=_tracking(env) if _follows_clips(env) else None,
        velocity=_velocity(cfg) if hasattr(cfg, "commands") else None,
        height_map=_height_map(env),
        files={},
        provenance=provenance,
    )


def reference_arrays(env: Any) -> dict[str, np.ndarray] | None:
    """The clips an env follows as :data:`arrays.REFERENCE` names them; None if it follows none."""
    if not _follows_clips(env):
        return None
    data = env.data
    tensors = {
        "clip_start": data.clip_start,
        "clip_length": data.clip_length,
        "target_offset": env.target_offsets,
        "dof_pos": data.dof_pos,
        "dof_vel": data.dof_vel,
        "root_pos_w": data.root_pos_w,
        "root_quat_wxyz": data.root_quat_wxyz,
        "root_lin_vel_w": data.root_lin_vel_w,
        "root_ang_vel_w": data.root_ang_vel_w,
        "anchor_pos_w": data.body_pos_w[:, env.anchor],
        "anchor_quat_wxyz": data.body_quat_wxyz[:, env.anchor],
    }
    names = {"joint_names": np.array(data.joint_names), "clip_names": np.array(data.clip_names)}
    return names | {name: tensor.cpu().numpy() for name, tensor in tensors.items()}


def record_steps(env: Any, policy: Callable[[Tensor], Tensor], num_steps: int) -> dict[str, np.ndarray]:
    """Run a policy and write down what the first of the env's robots goes through.

    Args:
        env: See the module's docstring; goes on from its present state.
        policy: Observations (N, D) to actions (N, J), within the action limit.
        num_steps: T.

    Returns:
        Arrays as :data:`arrays.RECORDED` names them, (T, ...).

    Raises:
        ConfigError: There is no step to record.
    """
    if num_steps < 1:
        raise ConfigError(f"record_steps is {num_steps}; it must be at least 1")
    rows: list[dict[str, Tensor]] = []
    with torch.no_grad():
        observations = env.get_observations()
        for _ in range(num_steps):
            actions = policy(observations[POLICY_GROUP])
            row = {
                "observations": observations[POLICY_GROUP][0].clone(),
                "actions": actions[0].clone(),
                "previous_actions": env.actions[0].clone(),
            }
            if _follows_clips(env):
                row["reference_frames"] = env.frame[0].clone()
            observations = env.step(actions)[0]
            rows.append(row | {"joint_targets": env.joint_targets[0].clone()})
    return {name: torch.stack([row[name] for row in rows]).cpu().numpy() for name in rows[0]}


def _follows_clips(env: Any) -> bool:
    return hasattr(env, "data")


def _joints(robot: Any) -> tuple[JointSpec, ...]:
    columns = {
        "default_pos": robot.default_dof_pos,
        "stiffness": robot.stiffness,
        "damping": robot.damping,
        "effort_limit": robot.effort_limit,
        "velocity_limit": robot.velocity_limit,
        "lower": robot.dof_lower,
        "upper": robot.dof_upper,
        "action_scale": robot.action_scale,
    }
    return tuple(
        JointSpec(name=name, **{field: float(values[i]) for field, values in columns.items()})
        for i, name in enumerate(robot.joint_names)
    )


def _locked_joints(robot: Any, whole_robot: Any) -> tuple[LockedJointSpec, ...]:
    """The joints that only the whole robot has; the model welds them at 0."""
    return tuple(
        LockedJointSpec(
            name=name,
            position=0.0,
            stiffness=float(whole_robot.stiffness[i]),
            damping=float(whole_robot.damping[i]),
            effort_limit=float(whole_robot.effort_limit[i]),
        )
        for i, name in enumerate(whole_robot.joint_names)
        if name not in robot.joint_names
    )


def _observation(env: Any) -> ObservationSpec:
    layout, n = env.observation_layout()[POLICY_GROUP], env.cfg.normalization
    return ObservationSpec(
        size=layout.size,
        clip=float(n.clip_observations),
        history_order="newest_first",
        scales=ScaleSpec(*(float(v) for v in (n.lin_vel, n.ang_vel, n.dof_pos, n.dof_vel))),
        terms=tuple(TermSpec(t.name, t.start, t.stop, t.history, t.scale, t.clip) for t in layout.terms),
    )


def _tracking(env: Any) -> TrackingSpec:
    cfg = env.cfg.deepmimic
    return TrackingSpec(
        anchor_body=cfg.anchor_body_name,
        anchor_chain=tuple(ChainLinkSpec(*link) for link in env.robot.chain_to(cfg.anchor_body_name)),
        tracked_bodies=tuple(cfg.tracked_body_names),
        upper_body_joints=tuple(env.robot.joint_names[i] for i in env.upper_body.tolist()),
        future_frames=env.cfg.observations.num_next_obs,
    )


def _velocity(cfg: Any) -> VelocitySpec:
    commands = cfg.commands
    ranges = {name: tuple(map(float, limits)) for name, limits in vars(commands.ranges).items()}
    return VelocitySpec(
        **ranges,
        max_speed=float(commands.max_speed),
        dead_band=float(commands.dead_band),
        gait_period=float(cfg.gait.period),
    )


def _height_map(env: Any) -> HeightMapSpec | None:
    """The map the policy sees.

    Raises:
        ConfigError: There are two of them.
    """
    names = [slot.name.removeprefix("history_") for slot in env.observation_layout()[POLICY_GROUP].terms]
    terms = [name for name in MAP_TERMS if name in names]
    if not terms:
        return None
    if len(terms) > 1:
        raise ConfigError(f"observations.actor has {' and '.join(terms)}; a bundle describes one map")
    (term,) = terms
    sensor = getattr(env.cfg.sensors, term)
    return HeightMapSpec(
        term=term,
        body=sensor.body_name,
        size=tuple(map(float, sensor.size)),
        resolution=float(sensor.resolution),
        max_distance=float(sensor.max_distance),
        only_heading=sensor.only_heading,
        flat_distance=env.robot.default_height_of(sensor.body_name),
    )
