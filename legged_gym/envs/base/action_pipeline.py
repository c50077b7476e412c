"""From the policy's output to what the servos are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legged_gym.envs.base.action_space import ActionTranslator, standing_actions

if TYPE_CHECKING:
    from legged_gym.envs.base.legged_robot import LeggedRobot


class ActionPipeline:
    """Errors, limit, moving average, delay and scale of actions, in this order.

    What targets are follows from ``control.control_type``; they are rad, rad/s or N m, as the robot's servos are.
    """

    def __init__(self, env: LeggedRobot) -> None:
        """All actions are 0; ``env`` has the robot's numbers by now."""
        self._env = env
        self.actions = torch.zeros(env.num_envs, env.num_actions, device=env.device)
        """(N, J) the last action as applied: clipped and smoothed."""
        self.last_actions = torch.zeros_like(self.actions)
        """(N, J) the one before."""
        self.joint_targets = torch.zeros_like(self.actions)
        """(N, J) what the servos are told in this control step."""
        self.translators: list[ActionTranslator] = []
        """Tell policies of other action spaces what was done, in their terms."""

    def zero_targets(self) -> Tensor:
        """What an action of zero asks for without a reference, (J,)."""
        pose = self._env.default_dof_pos
        return pose if self._env.cfg.control.action_type == "P" else torch.zeros_like(pose)

    def apply(self, actions: Tensor) -> None:
        """The policy's answers (N, J) become targets."""
        env = self._env
        limit, beta = env.cfg.normalization.clip_actions, env.cfg.control.beta
        self.last_actions.copy_(self.actions)
        torch.clamp(env.noise.on_actions(actions), -limit, limit, out=self.actions)
        if beta != 1.0:
            torch.lerp(self.last_actions, self.actions, beta, out=self.actions)
        applied = env.randomizer.delayed(self.actions)
        torch.addcmul(env.target_offset(), applied, env.action_scale, out=self.joint_targets)
        for translator in self.translators:
            translator.follow()

    def restart(self, env_ids: Tensor) -> None:
        """Envs (n,) begin with the action that would ask for the pose they are in, so that no jump is punished.

        Where an action is no angle, or is about the reference, that is 0.
        """
        env = self._env
        self.actions[env_ids] = standing_actions(
            env, env_ids, env.cfg.control.action_type, env.target_offset, env.action_scale,
            env.cfg.normalization.clip_actions,
        )  # fmt: skip
        self.last_actions[env_ids] = self.actions[env_ids]
        for translator in self.translators:
            translator.restart(env_ids)
