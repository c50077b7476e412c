"""List the tasks: what each is, how its policy acts, and its presets. Reads configurations only."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.utils import task_registry
from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import ConfigError


def task_table() -> Table:
    """One row for each registered task."""
    table = Table(
        "task", "actions", "terms*", "presets", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
        caption="* observation terms of actor/critic", caption_justify="left",
    )  # fmt: skip
    table.columns[0].min_width = max(len(spec.name) for spec in task_registry.all_tasks())
    for spec in task_registry.all_tasks():
        env: LeggedRobotCfg = spec.make_cfg().env
        rate_hz = 1.0 / (env.control.decimation * env.sim.dt)
        table.add_row(
            f"[bold]{spec.name}[/bold]\n{spec.description}",
            f"{env.control.action_type},\n{rate_hz:.0f} Hz",
            f"{len(env.observations.actor)}/{len(env.observations.critic)}",
            "\n".join(spec.presets) or "-",
            end_section=True,
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
