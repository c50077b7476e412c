"""Asks teachers what they would do in a student's place.

Beyond rsl_rl's VecEnv the env must offer:

* ``action_translator(space)``: from :attr:`Teacher.space`, a function from the teacher's actions (N, J) in the present
  state to the env's own that ask the same of the servos in this step;
* ``add_observation_group(name, layout, space)``: from then on the observations also hold ``name``, the terms of
  :attr:`Teacher.layout` as the teacher saw them;
* ``joint_names``, in the order of the actions;
* for several teachers, ``teacher_names()``: what the clips call theirs, "" where they name none; and
  ``teacher_index()``: (N,) long, whose turn it is in each env.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict
from torch import Tensor

from legged_gym.rl.rl_config import DaggerCfg
from legged_gym.rl.teacher import Teacher, load_teacher
from legged_gym.utils.errors import ConfigError

logger = logging.getLogger(__name__)


class Labeller:
    """The teachers of an env, and what they see there."""

    std: Tensor | None
    """(J,) mean of the teachers' standard deviations in the env's own actions; None where one is not known."""

    def __init__(self, env: VecEnv, teachers: Sequence[Teacher], device: str = "cpu") -> None:
        """Have the env compute what the teachers see.

        Args:
            env: See the module's docstring.
            teachers: In the order of ``env.teacher_index()``.
            device: Where observations are and labels are wanted.

        Raises:
            ConfigError: The env lacks an observation of a teacher, or a teacher's actions cannot be said in the env's.
        """
        self._env, self._teachers, self._device = env, list(teachers), device
        self.groups = ["teacher"] if len(teachers) == 1 else [f"teacher_{i}" for i in range(len(teachers))]
        """Observation group of each teacher."""
        for name, teacher in zip(self.groups, teachers, strict=True):
            _check_joints(teacher, env)
            env.add_observation_group(name, teacher.layout, teacher.space)
        self._translators = [env.action_translator(teacher.space) for teacher in teachers]
        self.std = self._own_std()

    @property
    def names(self) -> list[str]:
        """What the teachers were read from."""
        return [teacher.name for teacher in self._teachers]

    def labels(self, obs: TensorDict) -> Tensor:
        """What the teachers would do, in the env's own actions. (N, J)"""
        if len(self._teachers) == 1:
            return self._translated(0, self._teachers[0].act(self._seen(obs, 0)))
        turn = self._env.teacher_index().to(self._device)
        labels = torch.zeros(len(turn), self._env.num_actions, device=self._device)
        for index, teacher in enumerate(self._teachers):
            ids = (turn == index).nonzero().squeeze(-1)
            if len(ids):
                actions = torch.zeros_like(labels)
                actions[ids] = teacher.act(self._seen(obs, index)[ids])
                labels[ids] = self._translated(index, actions)[ids]
        return labels

    def _seen(self, obs: TensorDict, index: int) -> Tensor:
        """What a teacher sees; the observations that a checkpoint begins with may be another teacher's or nobody's."""
        group, width = self.groups[index], self._teachers[index].layout[-1]["stop"]
        seen = obs.get(group, None)
        if seen is None or seen.shape[1] != width:
            seen = self._env.get_observations()[group].to(self._device)
        return seen

    def _translated(self, index: int, actions: Tensor) -> Tensor:
        return self._translators[index](actions.to(self._env.device)).to(self._device)

    def _own_std(self) -> Tensor | None:
        """Translation is linear but for an offset, so that of mean + std minus that of the mean is that of std."""
        if any(teacher.std is None for teacher in self._teachers):
            return None
        zero = torch.zeros(self._env.num_envs, self._env.num_actions, device=self._device)
        spread = [
            self._translated(i, zero + teacher.std) - self._translated(i, zero)
            for i, teacher in enumerate(self._teachers)
        ]
        return torch.cat(spread).mean(0)


def make_labeller(env: VecEnv, cfg: DaggerCfg, device: str) -> Labeller:
    """Load the teachers that a configuration names.

    Raises:
        LeggedGymError: A teacher is not named, cannot be read, or cannot be asked in this env.
    """
    names = env.teacher_names() if cfg.use_multi_teacher else [""]
    if "" in names and cfg.policy_to_clone is None:
        where = " for the clips that name no teacher" if cfg.use_multi_teacher else ""
        raise ConfigError(
            f"train.algorithm.policy_to_clone is needed{where}: a run, a checkpoint or a bundle; without a teacher "
            "train.algorithm.bc_loss_coef must be 0"
        )
    teachers = [load_teacher(name or cfg.policy_to_clone, device) for name in names]
    for teacher in teachers:
        _check_kind(teacher, cfg.policy_to_clone_jitted)
        logger.info("teacher: %s", teacher.name)
    return Labeller(env, teachers, device)


def _check_kind(teacher: Teacher, jitted: bool | None) -> None:
    if jitted is not None and jitted != teacher.is_jitted:
        kind = "a TorchScript" if teacher.is_jitted else "a checkpoint"
        raise ConfigError(
            f"train.algorithm.policy_to_clone_jitted is {jitted}, but {teacher.name} is {kind}; leave the flag out, or "
            "name another policy_to_clone"
        )


def _check_joints(teacher: Teacher, env: VecEnv) -> None:
    ours = tuple(env.joint_names)
    if teacher.joint_names is None or teacher.joint_names == ours:
        return
    theirs = teacher.joint_names
    differing = sorted(set(theirs) ^ set(ours))
    what = f"differing in {', '.join(differing)}" if differing else "in another order"
    raise ConfigError(
        f"teacher {teacher.name} drives {len(theirs)} joints, this robot has {len(ours)}, {what}"
    )
