"""Look at a robot on the bus, simulated or real, on a web page."""

from __future__ import annotations

from dataclasses import dataclass, field

import tyro

from legged_gym.envs.base.viser_config import PageCfg
from legged_gym.utils.cli import run_main


@dataclass
class ViewRobotArgs:
    """Look at a robot on the bus, simulated or real, on a web page. It listens and sends nothing.

    Example:
      view_robot.py --domain 1 --odometry dds:rt/surroundings
    """

    interface: str = "lo"
    """Network interface that reaches the robot; lo: this computer."""
    domain: int = 1
    """DDS domain of the robot; real robots are in 0."""
    robot: str = "g1"
    """Folder under resources/robots."""
    odometry: str | None = None
    """Where odometry and height maps arrive, udp:HOST:PORT, unix:PATH or dds:TOPIC; None: the robot stays in place."""
    viser: PageCfg = field(default_factory=PageCfg)
    """Where the page is."""


def view_robot(argv: list[str]) -> None:
    """Parse, build, show until interrupted."""
    args = tyro.cli(ViewRobotArgs, args=argv, use_underscores=True)
    args.viser.check()

    import contextlib
    import time

    from rich.console import Console

    from legged_gym.scripts._robot_page import PERIOD_S, RobotPage
    from legged_gym.viewer.server import address

    page = RobotPage(args.robot, args.interface, args.domain, args.odometry, args.viser)
    Console().print(f"the page is at {address(page.server)}; Ctrl-C ends it")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            page.update()
            time.sleep(PERIOD_S)
    page.close()


def main() -> None:
    """Entry of the console script."""
    run_main(view_robot)


if __name__ == "__main__":
    main()
