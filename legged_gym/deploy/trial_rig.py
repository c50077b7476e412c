"""A simulated robot and the controller's program, as users start them, with a script in the operator's place."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from legged_gym.deploy.sim_control import SimControl
from legged_gym.deploy.state_machine import State
from legged_gym.utils.errors import RunError

START_S = 60.0
"""How long programs may take to start, and states to be reached; a busy computer takes long."""
_PRESS_S = 0.06
"""Three ticks of 20 ms."""
_SETTLE_S = 0.2
"""After a button: the controller acts on it, and its message gets into the file."""
_WAYS = {State.DAMP: "R1+START", State.PASSIVE: "START", State.STAND: "A"}
_STATES = re.compile(r"(?:-> (\w+)|(damping), from \w+)")
READY = "ready to look for the robot"
PROGRAM = "legged_gym.deploy.run"


@dataclass(frozen=True)
class Setup:
    """What all rigs of a run share."""

    bundle: Path
    domain: int = 1
    """DDS domain; trials that kill programs take those above, since DDS speaks of the dead for 10 s."""
    python: str = sys.executable
    """Interpreter of the controller, which may be one that has nothing but the controller."""
    controller: tuple[str, ...] = ()
    """More options for the controller's program."""
    robot: tuple[str, ...] = ()
    """More options for the simulated robot's program."""


@dataclass
class Rig:
    """Both programs; a context that ends them."""

    setup: Setup
    domain: int
    program: tuple[str, ...] = (PROGRAM,)
    """Module of the controller, and words before its options."""
    seed: int = 0
    started_s: float = field(default=0.0, init=False)
    """From the controller's start until it looked for the robot."""

    def __enter__(self) -> Self:
        """Start both and wait until the controller sends damping."""
        self._folder = tempfile.TemporaryDirectory(prefix="rig")
        folder = Path(self._folder.name)
        address, bundle, domain = (
            f"unix:{folder / 'around'}",
            str(self.setup.bundle.resolve()),
            str(self.domain),
        )
        self.logs, self._said = folder / "ticks", folder / "said"
        words = ["--bundle", bundle, "--domain", domain, "--motion-mode", "", "--seed", str(self.seed)]
        words += ["--surroundings", address, "--control", str(folder / "control"), *self.setup.robot]
        self._robot = _started(
            [sys.executable, "-m", "legged_gym.deploy.sim_robot", *words], folder / "robot"
        )
        self.robot = SimControl(folder / "control", START_S)
        try:
            self.robot.do("report")
            words = ["--bundle", bundle, "--domain", domain, "--odometry", address, "--height_map", address]
            words += ["--stand.ramp_s", "0.8", "--log_dir", str(self.logs), *self.setup.controller]
            began = time.monotonic()
            # Another interpreter must not find the package where this one was started.
            cwd = None if self.setup.python == sys.executable else folder
            self.controller = _started([self.setup.python, "-m", *self.program, *words], self._said, cwd)
            self._until(READY, pause_s=0.002)
            self.started_s = time.monotonic() - began
            self._until("WAIT ->")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both."""
        self.close()

    def close(self) -> None:
        """End the controller as Ctrl-C would, then the robot."""
        controller = getattr(self, "controller", None)
        if controller is not None:
            self.end_controller()
        self._robot.terminate()
        self._robot.wait(START_S)
        self.robot.close()
        self._folder.cleanup()

    def end_controller(self) -> None:
        """Ctrl-C, and SIGKILL if that does not help."""
        if self.controller.poll() is None:
            self.controller.send_signal(signal.SIGCONT)
            self.controller.send_signal(signal.SIGINT)
        try:
            self.controller.wait(START_S)
        except subprocess.TimeoutExpired:
            self.controller.kill()
            self.controller.wait()

    def said(self) -> str:
        """All that the controller has printed."""
        return self._said.read_text(encoding="utf-8")

    def state(self) -> State:
        """What the controller is doing, by its own words."""
        state = State.WAIT
        for name, damping in _STATES.findall(self.said()):
            state = State.DAMP if damping else State[name]
        return state

    def report(self) -> dict[str, Any]:
        """What the simulated robot says of itself."""
        return self.robot.do("report")

    def press(self, buttons: str) -> None:
        """Press on the remote and let go."""
        self.robot.do(f"press {buttons} for={_PRESS_S}")
        time.sleep(_SETTLE_S)

    def up(self, goal: State) -> None:
        """To a state, as an operator would go about it.

        Raises:
            RunError: It is not reached.
        """
        deadline = time.monotonic() + START_S
        while (state := self.state()) is not goal or self.report()["drive"] != "driven":
            if time.monotonic() > deadline or self.controller.poll() is not None:
                raise RunError(f"{goal.name} is not reached, but {state.name}:\n{_tail(self.said())}")
            if state is State.STAND:
                time.sleep(0.3)  # what swung while it was damped hangs still
            if state in _WAYS:
                self.press(_WAYS[state])
            time.sleep(0.02)

    def damped_after(self, since: float, within_s: float) -> float | None:
        """How long after ``since`` (s) the robot's motors were damped by a command; None: not within that time."""
        deadline = since + within_s
        while time.monotonic() < deadline + _SETTLE_S:
            events = [e for e in self.report()["events"] if e["time"] >= since]
            times = [e["time"] - since for e in events if e["what"] == "damping"]
            if times:
                return times[0]
            time.sleep(0.002)
        return None

    def children(self) -> list[int]:
        """Processes that the controller has started: its watchdog."""
        process = self.controller.pid
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]

    def _until(self, text: str, pause_s: float = 0.02) -> None:
        deadline = time.monotonic() + START_S
        while text not in self.said():
            if time.monotonic() > deadline or self.controller.poll() is not None:
                raise RunError(f"the controller did not come to {text!r}:\n{_tail(self.said())}")
            time.sleep(pause_s)


def memory_mb(process: int, field_name: str = "Rss") -> float:
    """Memory of a process, MB of 1e6 bytes: ``Rss``, or ``Pss``, which counts shared pages by their share."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(rf"^{field_name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024 / 1e6


def stolen_s() -> float:
    """Processor time that the host of a virtual machine has given to others so far, s of all cores; see proc(5)."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(words[8]) / os.sysconf("SC_CLK_TCK")


def _started(words: Sequence[str], output: Path, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    with output.open("wb") as file:
        return subprocess.Popen(
            words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-12:])
