"""What actions ask of the servos, and how those of a policy that was trained otherwise are said in an env's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from legged_gym.envs.base.control_config import SERVOS, ActionType, ControlCfg
from legged_gym.sim.robot_model import build_robot
from legged_gym.utils.config import from_dict
from legged_gym.utils.errors import ConfigError

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot
    from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic

NUMBERS = ("default_pos", "action_scale", "stiffness", "damping")
"""What a joint has."""
TOLERANCE = 1e-5
"""Relative; numbers went through YAML or single precision."""


@dataclass(frozen=True)
class ActionSpace:
    """From a policy's answer to what the servos are told: target = that of a zero action + action_scale * action."""

    joint_names: tuple[str, ...]
    type: ActionType
    feed_forward: str
    clip: float
    """Actions are limited to +- this."""
    beta: float
    """Weight of the newest action in the moving average."""
    control_dt: float
    """Period of the policy, s."""
    default_pos: Tensor
    """(J,) rad."""
    action_scale: Tensor
    """(J,) change of the target per unit of action: rad, rad/s or N m."""
    stiffness: Tensor
    """(J,) N m/rad."""
    damping: Tensor
    """(J,) N m s/rad."""

    @property
    def zero_targets(self) -> Tensor:
        """What an action of zero asks for without a reference, (J,)."""
        return self.default_pos if self.type == "P" else torch.zeros_like(self.default_pos)


def space_of(env: LeggedRobot) -> ActionSpace:
    """The action space of an env."""
    cfg = env.cfg
    return ActionSpace(
        tuple(env.joint_names), cfg.control.action_type, cfg.control.feed_forward,
        cfg.normalization.clip_actions, cfg.control.beta, env.step_dt,
        env.default_dof_pos, env.action_scale, env.stiffness, env.damping,
    )  # fmt: skip


def space_from(described: Mapping[str, Any], env: LeggedRobot) -> ActionSpace:
    """The action space that plain data describes.

    Args:
        described: "joint_names", "type", "feed_forward", "clip", "beta", "control_dt" and :data:`NUMBERS`; or only
            "env", the configuration of the env it is that of.
        env: An env with the same classes of configuration; gives the device.

    Raises:
        LeggedGymError: The configuration is not one of such an env, or its robot does not exist.
    """
    if "type" in described:
        names = tuple(described["joint_names"])
        plain = {key: described[key] for key in ("type", "feed_forward", "clip", "beta", "control_dt")}
        numbers = {key: described[key] for key in NUMBERS}
    else:
        cfg, source = described["env"], "the other policy's configuration"
        missing = [group for group in ("sim", "asset", "control", "normalization") if group not in cfg]
        if missing:
            raise ConfigError(f"{source} has no {missing[0]}, so nobody knows what its actions mean")
        control = from_dict(cfg["control"], ControlCfg, source)
        robot = build_robot(from_dict(cfg["asset"], type(env.cfg.asset), source), control)
        names = tuple(robot.joint_names)
        plain = {
            "type": control.action_type,
            "feed_forward": control.feed_forward,
            "clip": float(cfg["normalization"]["clip_actions"]),
            "beta": control.beta,
            "control_dt": cfg["sim"]["dt"] * control.decimation,
        }
        numbers = {key: getattr(robot, key) for key in NUMBERS[1:]} | {"default_pos": robot.default_dof_pos}
    tensors = {
        key: torch.as_tensor(value, dtype=torch.float32, device=env.device) for key, value in numbers.items()
    }
    return ActionSpace(names, **plain, **tensors)


def reference_targets(space: ActionSpace, env: RobotDeepMimic) -> Tensor:
    """Servo targets of a zero action for every frame of an env's reference, (F, J).

    A servo's torque is kp (target - q) - kd qd, so a torque tau along the reference wants
    target = q_ref + tau / kp + kd / kp qd_ref.
    """
    data = env.data
    pose = data.dof_pos if space.type == "residual" else space.zero_targets.expand_as(data.dof_pos)
    targets = pose.clone()
    if space.feed_forward != "none":
        targets += data.dof_vel * (space.damping / space.stiffness)
    if space.feed_forward == "inverse_dynamics":
        targets += env.reference_torques() / space.stiffness
    return targets


class ActionTranslator:
    """Says a guest's actions in the env's own, and the env's in the guest's."""

    actions: Tensor
    """(N, J) the last action as applied, as the guest would have had to give it."""

    def __init__(self, env: LeggedRobot, described: Mapping[str, Any]) -> None:
        """Compare the two action spaces.

        Args:
            env: The env that is to be acted in.
            described: The guest's action space, see :func:`space_from`.

        Raises:
            LeggedGymError: The servos are not the same, or the guest needs what the env lacks; names what differs.
        """
        self._env, self.described = env, described
        self._own, self._guest = space_of(env), space_from(described, env)
        _check(self._guest, self._own, env.follows_reference)
        self._same = _same_targets(self._guest, self._own)
        self._offset = self._zero_action()
        self.actions = env.actions if self._same else torch.zeros_like(env.actions)
        if not self._same:
            self.restart(torch.arange(env.num_envs, device=env.device))

    def __call__(self, actions: Tensor) -> Tensor:
        """The env's own actions (N, J) that ask of the servos in the coming step what the guest's (N, J) would.

        They may exceed the env's limit; ``actions`` are within the guest's.
        """
        if self._same:
            return actions
        own, guest, env = self._own, self._guest, self._env
        applied = actions if guest.beta == 1.0 else torch.lerp(self.actions, actions, guest.beta)
        targets = torch.addcmul(self._offset(), applied, guest.action_scale)
        applied = (targets - env.target_offset()) / own.action_scale
        return applied if own.beta == 1.0 else env.actions + (applied - env.actions) / own.beta

    def follow(self) -> None:
        """The env has applied actions; its task has not moved on yet."""
        if self._same:
            return
        env, guest = self._env, self._guest
        targets = torch.addcmul(env.target_offset(), env.actions, self._own.action_scale)
        applied = (targets - self._offset()) / guest.action_scale
        torch.clamp(applied, -guest.clip, guest.clip, out=self.actions)

    def restart(self, env_ids: Tensor) -> None:
        """Envs (n,) begin; the guest's own env would have begun so too, see :meth:`ActionPipeline.restart`."""
        if not self._same:
            guest = self._guest
            self.actions[env_ids] = standing_actions(
                self._env, env_ids, guest.type, self._offset, guest.action_scale, guest.clip
            )

    def _zero_action(self) -> Callable[[], Tensor]:
        """What tells which targets (N, J) an action of zero of the guest asks for in the coming step."""
        env, guest = self._env, self._guest
        if not env.follows_reference:
            return lambda: guest.zero_targets.expand(env.num_envs, -1)
        table = reference_targets(guest, env)
        return lambda: env.coming_targets(table, guest.feed_forward != "none")


def standing_actions(
    env: LeggedRobot,
    env_ids: Tensor,
    kind: ActionType,
    offset: Callable[[], Tensor],
    action_scale: Tensor,
    clip: float,
) -> Tensor:
    """Actions that ask for the pose that envs (n,) are in; 0 where they are no angles, or about a reference. (n, J)"""
    if kind not in ("P", "DIRECT"):
        return torch.zeros(len(env_ids), env.num_actions, device=env.device)
    pose = env.sim.dof_pos[env_ids] + env.randomizer.encoder_error(env_ids)
    return ((pose - offset()[env_ids]) / action_scale).clamp(-clip, clip)


def _same_targets(guest: ActionSpace, own: ActionSpace) -> bool:
    """Whether the same actions ask for the same targets."""
    kinds = ("type", "feed_forward", "beta", "clip")
    return all(getattr(guest, kind) == getattr(own, kind) for kind in kinds) and _close(
        guest.action_scale, own.action_scale
    )


def _check(guest: ActionSpace, own: ActionSpace, follows_reference: bool) -> None:
    """Refuse guests that could not ask these servos for what they asked theirs."""
    problems = []
    if guest.joint_names != own.joint_names:
        problems.append(_joints_text(guest.joint_names, own.joint_names))
    else:
        for field in ("default_pos", "stiffness", "damping"):
            problems += _differing(field, guest, own)
    servos = [SERVOS.get(space.type, "position") for space in (guest, own)]
    if servos[0] != servos[1]:
        problems.append(f"its servos are told a {servos[0]} and the env's a {servos[1]}")
    if abs(guest.control_dt - own.control_dt) > TOLERANCE * own.control_dt:
        problems.append(f"its control period is {guest.control_dt:g} s and the env's {own.control_dt:g} s")
    if (guest.type == "residual" or guest.feed_forward != "none") and not follows_reference:
        problems.append("its actions are about a reference, which the env lacks")
    if problems:
        raise ConfigError(f"the other policy cannot act in this env: {'; '.join(problems)}")


def _joints_text(theirs: Sequence[str], ours: Sequence[str]) -> str:
    differing = sorted(set(theirs) ^ set(ours))
    text = f"its joints differ by {', '.join(differing)}" if differing else "its joints are in another order"
    return text + " (asset.locked_joints)"


def _differing(field: str, guest: ActionSpace, own: ActionSpace) -> list[str]:
    """One text for the joints in which a number differs."""
    theirs, ours = getattr(guest, field), getattr(own, field)
    found = [
        f"{name} {a:.4g} and {b:.4g}"
        for name, a, b in zip(own.joint_names, theirs.tolist(), ours.tolist(), strict=True)
        if abs(a - b) > TOLERANCE * max(1.0, abs(b))
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return (
        [f"its {field} and the env's differ: {', '.join(found[:3])}{more} (control.gains)"] if found else []
    )


def _close(theirs: Tensor, ours: Tensor) -> bool:
    return torch.allclose(theirs, ours, rtol=TOLERANCE, atol=0.0)
