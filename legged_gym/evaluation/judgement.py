"""A whole evaluation, of any kind of task: figures, table and plot; once, or under every condition of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from legged_gym.envs.base.joystick import Joystick
from legged_gym.envs.base.joystick_config import DRAWN
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.robot_deepmimic import RobotDeepMimic
from legged_gym.envs.base.robot_velocity import RobotVelocity
from legged_gym.evaluation import command_following, evaluator, metrics, plot, report, sweep
from legged_gym.evaluation.policies import Policy
from legged_gym.evaluation.protocol import EnvConfig, ProtocolArgs


@dataclass(frozen=True)
class Judgement:
    """What an evaluation found."""

    provenance: dict[str, Any]
    """What was judged, and how."""
    figures: dict[str, Any]
    rules: dict[str, float]
    """What counted as a failure."""
    table: Table
    plot: Callable[[Path, str], None]
    """Draws it: (file, title)."""


def judge(env: LeggedRobot, policy: Policy, protocol: ProtocolArgs, provenance: dict[str, Any]) -> Judgement:
    """Judge a policy by what its task asks for. The environment's own episodes are over afterwards.

    Raises:
        ConfigError: There are fewer trials than grounds, or the policy cannot be driven by a joystick.
    """
    if protocol.joystick:
        env.drive_by(Joystick(env, DRAWN))
    if protocol.joystick or isinstance(env, RobotVelocity):
        return _judge_commands(env, policy, protocol, provenance)
    return _judge_tracking(env, policy, protocol, provenance)


def judge_sweep(
    cfg: EnvConfig,
    judge_in: Callable[[EnvConfig], Judgement],
    progress: Callable[[int, str], None] = lambda done, name: None,
) -> Judgement:
    """Judge a policy under every condition of :data:`sweep.CONDITIONS` that there is for its robot.

    Args:
        cfg: Configuration of a normal evaluation.
        judge_in: Judges the policy in an environment of this configuration.
        progress: Told how many conditions are done, and the name of the next.

    Raises:
        ConfigError: A condition cannot be in this physics; before any is judged.
    """
    conditions, skipped = sweep.applicable(cfg)
    judged = {}
    for done, condition in enumerate(conditions):
        progress(done, condition.name)
        judgement = judge_in(sweep.under(condition, cfg))
        judged[condition.name] = {"domain_rand": condition.domain_rand(cfg.sim.dt), **judgement.figures}
    figures = sweep.summarise(judged, skipped)
    return Judgement(
        judgement.provenance,
        figures,
        judgement.rules,
        report.sweep_table(figures),
        lambda path, title: plot.plot_sweep(path, figures, title),
    )


def _judge_tracking(
    env: RobotDeepMimic, policy: Policy, protocol: ProtocolArgs, provenance: dict[str, Any]
) -> Judgement:
    """Clips followed from evenly spaced frames and from the first."""
    episodes = evaluator.evaluate(env, policy, protocol)
    figures = metrics.summarise(episodes)
    return Judgement(
        provenance,
        figures,
        report.RULES,
        report.evaluation_table(figures),
        lambda path, title: plot.plot_errors(path, episodes, title),
    )


def _judge_commands(
    env: LeggedRobot, policy: Policy, protocol: ProtocolArgs, provenance: dict[str, Any]
) -> Judgement:
    """Velocities followed for a while."""
    trials = command_following.run_trials(env, policy, protocol)
    figures = command_following.summarise(trials)
    asked, done = command_following.segment_means(trials)
    return Judgement(
        provenance,
        figures,
        command_following.RULES,
        report.command_table(figures),
        lambda path, title: plot.plot_commands(path, asked, done, title),
    )
