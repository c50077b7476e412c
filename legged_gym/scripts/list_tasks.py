"""List the tasks: what each is, how its policy acts, and its presets. Reads configurations only."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.utils import task_registry
from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import ConfigError


def task_table() -> Table:
    """One row for each registered task."""
    table = Table(title="tasks")
    table.add_column("name", no_wrap=True)
    for column in ("description", "robot", "actions", "actor/critic terms", "presets"):
        table.add_column(column)
    for spec in task_registry.all_tasks():
        env: LeggedRobotCfg = spec.make_cfg().env
        rate_hz = 1.0 / (env.control.decimation * env.sim.dt)
        table.add_row(
            spec.name,
            spec.description,
            env.asset.robot,
            f"{env.control.action_type}, {rate_hz:.0f} Hz",
            f"{len(env.observations.actor)}/{len(env.observations.critic)}",
            ", ".join(spec.presets) or "-",
        )
    return table


def list_tasks(argv: list[str]) -> None:
    """Print the table. Takes no argument but ``--help``."""
    if argv and argv[0] in ("-h", "--help"):
        print(__doc__)
        return
    if argv:
        raise ConfigError(f"list_tasks takes no arguments, not {argv[0]}")
    Console().print(task_table())


def main() -> None:
    """Entry of ``vmg-list-tasks``."""
    run_main(list_tasks)


if __name__ == "__main__":
    main()
