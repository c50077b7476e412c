"""Measure the viewer with a page open in a real browser: share of a core, speed, seconds until a picture."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils.cli import parse_command, run_main
from legged_gym.utils.errors import DependencyError, LeggedGymError
from legged_gym.utils.threads import use_passive_threads

if TYPE_CHECKING:
    import viser

    from legged_gym.viewer.app import Viewer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,760",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--remote-debugging-port=0",
)  # fmt: skip
"""It draws in software, and stays open while somebody might debug it."""
TRAINING = (
    "--num_envs=8",
    "--max_iterations=1",
    "--train.runner.num_steps_per_env=4",
    "--train.runner.logger=none",
)
"""The shortest: a policy costs the same whether it is any good."""
WARM_UP_S = 5.0
PATIENCE_S = 120.0
PIXELS = 300, 400
"""Height and width of the picture that is waited for."""
LEAST_CONTRAST = 5.0
"""Standard deviation of its colours, of 255: an empty scene has none."""


@dataclass
class BenchmarkViewerArgs:
    """Measure the viewer with a page open in a real browser: share of a core, speed, seconds until a picture.

    one: a robot at real time. many: several. terrains: a robot among the grounds of many clips. Shares are of the
    player's process alone, which serves the page too; the browser is a process of its own, draws in software, and needs
    a core itself. Seconds are from the command to a picture that the browser has drawn, imports included; a browser is
    open already, as a user's is.
    """

    task: str = "g1_deepmimic"
    """Name of the task."""
    seconds: int = 20
    """How long shares and speeds are measured, s."""
    robots: int = 16
    """Robots of the measurement of several."""
    terrains: int = 100
    """Clips with a terrain of their own in the measurement of grounds."""
    out: Path | None = None
    """JSON file to write."""
    watch: int | None = None
    """Measure so many robots of the run in the current directory, and print JSON; what the script calls itself with."""
    browser: int | None = None
    """With --watch: the port at which the open browser listens."""


def benchmark_viewer(argv: list[str]) -> None:
    """Train for a moment, open the page three times, print what it took."""
    args = tyro.cli(BenchmarkViewerArgs, args=argv, use_underscores=True)
    if args.watch is not None:
        use_passive_threads()
        print(json.dumps(_watch(args)))
        return

    from legged_gym.scripts._benchmarks import write_terrain_clips

    _browser()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_terrain_clips(folder, args.terrains)
        for kind, clips in (("flat", "flat.npz"), ("uneven", "terrain/*.npz")):
            (folder / kind).mkdir()
            where = f"--env.deepmimic.amass_replay_data_path={folder / clips}"
            _script("train", folder / kind, [f"--task={args.task}", "--headless", where, *TRAINING])
        result = {
            "one": _opened(args, folder / "flat", 1),
            "many": _opened(args, folder / "flat", args.robots),
            "terrains": _opened(args, folder / "uneven", 1) | {"terrains": args.terrains},
        }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n")


def _opened(args: BenchmarkViewerArgs, folder: Path, robots: int) -> dict[str, Any]:
    """What a process of its own measures of a run, with the seconds from its start to its picture."""
    own = [f"--task={args.task}", f"--seconds={args.seconds}", f"--watch={robots}"]
    with _browser_open() as port:
        begin = time.time()
        result = json.loads(_script("benchmark_viewer", folder, [*own, f"--browser={port}"]).splitlines()[-1])
    return {"robots": robots, "seconds_until_a_picture": result.pop("picture_at") - begin} | result


def _script(name: str, folder: Path, options: list[str]) -> str:
    """What a script prints.

    Raises:
        LeggedGymError: It failed.
    """
    command = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *options]
    job = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if job.returncode:
        raise LeggedGymError(f"{name}.py failed: {job.stderr[-1000:]}")
    return job.stdout


def _watch(args: BenchmarkViewerArgs) -> dict[str, Any]:
    """Play the newest run of the current directory with its page open."""
    from rich.console import Console

    from legged_gym.scripts import play
    from legged_gym.scripts._page import show_page
    from legged_gym.viewer.server import address

    own = [f"--task={args.task}", f"--num_envs={args.watch}", "--env.viser.enable=True", "--viser.port=0"]
    command = parse_command(own, play.PlayArgs, play._saved_config)
    found: dict[str, Any] = {}
    threads: list[threading.Thread] = []

    def look(viewer: Viewer) -> None:
        try:
            found.update(_measure(viewer, args.seconds))
        finally:
            viewer.stop()

    def fill(server: viser.ViserServer) -> Viewer:
        _show(address(server), args.browser)  # as a user does who is told the address
        viewer = play.fill_page(command, server)
        threads.append(threading.Thread(target=look, args=[viewer]))
        threads[0].start()
        return viewer

    show_page(command.cfg.env.viser, args.task, Console(), "building the environment", fill)
    threads[0].join()
    if not found:
        raise LeggedGymError("the browser shows no picture")
    return found


def _measure(viewer: Viewer, seconds: int) -> dict[str, Any]:
    """When the page shows a picture; then the player's share of a core, and its speed. Runs beside the player."""
    end = time.monotonic() + PATIENCE_S
    while not _shows_something(viewer):
        if time.monotonic() > end:
            return {}
        time.sleep(0.05)
    picture_at = time.time()
    time.sleep(WARM_UP_S)
    spent, begin, speeds = time.process_time(), time.perf_counter(), []
    for _ in range(seconds):
        time.sleep(1.0)
        speeds.append(viewer.clock.achieved)
    share = (time.process_time() - spent) / (time.perf_counter() - begin)
    return {
        "picture_at": picture_at,
        "share_of_a_core": share,
        "times_real_time": {"mean": statistics.mean(speeds), "least": min(speeds)},
    }


def _shows_something(viewer: Viewer) -> bool:
    clients = list(viewer.server.get_clients().values())
    with contextlib.suppress(RuntimeError, TimeoutError):  # the page may not be ready yet
        return (
            bool(clients) and float(clients[0].get_render(*PIXELS, timeout=PATIENCE_S).std()) > LEAST_CONTRAST
        )
    return False


@contextlib.contextmanager
def _browser_open() -> Iterator[int]:
    """A browser on an empty page; yields the port it takes orders at.

    Raises:
        LeggedGymError: It does not start.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [_browser(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = subprocess.DEVNULL
        browser = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            yield _port_of(Path(profile) / "DevToolsActivePort")
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


def _port_of(note: Path) -> int:
    """The port that a browser writes down once it is there."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
            return int(note.read_text().splitlines()[0])
        time.sleep(0.1)
    raise LeggedGymError(f"the browser does not start within {PATIENCE_S:.0f} s")


def _show(url: str, port: int) -> None:
    """Let the browser at a port open a page."""
    order = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?{url}", method="PUT")
    urllib.request.urlopen(order, timeout=PATIENCE_S).close()


def _browser() -> str:
    """The browser's program.

    Raises:
        DependencyError: There is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise DependencyError("a page is opened with Chromium; on Debian: apt install chromium")
    return found


def main() -> None:
    """Entry of the console script."""
    run_main(benchmark_viewer)


if __name__ == "__main__":
    main()
