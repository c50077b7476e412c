"""A second process that brakes the motors when the controller dies, hangs, or is late.

It shares a page of memory with the controller, who writes the time there with every command, and holds the end of a
pipe that closes when the controller is gone, however it went. While nothing is armed it sends nothing.
A controller that was late may come back and go on damping by itself; not with ``far``, whose own thread would go on
sending the last target: there it is killed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from legged_gym.deploy.realtime import use_realtime_scheduling
from legged_gym.deploy.transport import LowCommand, Transport, TransportKind, import_backend, open_transport
from legged_gym.utils.errors import LeggedGymError, TransportError

_PAGE_BYTES = 16
_ARMED, _TOOK_OVER, _MACHINE, _PR = 8, 9, 10, 11
"""Places of single bytes, behind the time of the last command."""
_LOOK_S = 0.004
"""Between two looks at the page; part of the time that a fault takes to be met."""
_SEND_S = 0.01
"""Between two commands."""
HOLD_S = 10.0
"""For how long a dead controller's robot is kept damped, s. By then it lies on the ground or hangs."""
_READY = b"ready\n"
_START_S = 10.0


class Page:
    """The shared memory. Each field is one store of the processor's, so that nobody ever reads half of it."""

    def __init__(self, fd: int) -> None:
        """Map it."""
        self._bytes = memoryview(mmap.mmap(fd, _PAGE_BYTES))
        self._times = self._bytes.cast("d")

    @property
    def beat(self) -> float:
        """When the controller last sent a command, s."""
        return self._times[0]

    @beat.setter
    def beat(self, now: float) -> None:
        self._times[0] = now

    @property
    def armed(self) -> bool:
        """Whether the controller is sending commands and means to go on."""
        return bool(self._bytes[_ARMED])

    @armed.setter
    def armed(self, armed: bool) -> None:
        self._bytes[_ARMED] = armed

    @property
    def took_over(self) -> bool:
        """Whether the watchdog is sending."""
        return bool(self._bytes[_TOOK_OVER])

    @took_over.setter
    def took_over(self, took_over: bool) -> None:
        self._bytes[_TOOK_OVER] = took_over

    @property
    def model(self) -> tuple[int, int]:
        """``mode_machine`` and ``mode_pr`` of commands."""
        return self._bytes[_MACHINE], self._bytes[_PR]

    @model.setter
    def model(self, model: tuple[int, int]) -> None:
        self._bytes[_MACHINE], self._bytes[_PR] = model


class Watchdog:
    """The controller's side: starts the process, and feeds it."""

    def __init__(
        self, kind: TransportKind, interface: str, domain: int, group: str, limit_s: float, damping: float
    ) -> None:
        """Start the process; it joins the bus by itself.

        Args:
            kind: As for :func:`transport.open_transport`.
            interface: The same.
            domain: The same.
            group: The same; the controller's own.
            limit_s: Age of the last command from which the process takes over, s.
            damping: Velocity gain of what it sends, N m s/rad.
        """
        with tempfile.TemporaryFile() as file:
            file.truncate(_PAGE_BYTES)
            self._page = Page(file.fileno())
            words = [file.fileno(), kind, interface, domain, group, limit_s, damping]
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[file.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is not for it
            )

    def wait_until_ready(self) -> None:
        """Wait until it has joined the bus.

        Raises:
            TransportError: It has not.
        """
        output = self._process.stdout
        readable = select.select([output], [], [], _START_S)[0]
        if not readable or output.readline() != _READY:
            self._process.kill()
            raise TransportError("the watchdog process has not joined the bus; see its message above")

    @property
    def took_over(self) -> bool:
        """Whether it is sending in the controller's place."""
        return self._page.took_over

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def fed(self, command: LowCommand, now: float) -> None:
        """A command was sent at ``now`` (s): from here on the process expects the next one."""
        page = self._page
        page.beat, page.model = now, (command.mode_machine, command.mode_pr)
        page.armed = True

    def stand_down(self) -> None:
        """Let it stop sending: the controller is back, and damps by itself."""
        self._page.took_over = False

    def dismiss(self) -> None:
        """End it: the controller has ended its work in good order."""
        self._page.armed = False
        self.abandon()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def abandon(self) -> None:
        """Close the pipe, as the end of this process would: if commands were being sent, it brakes for a while."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()


def watch(
    page: Page, transport: Transport, limit_s: float, damping: float, stop: Callable[[], None] | None = None
) -> None:
    """The process's own loop; ends when the controller has, and its robot is left in peace.

    Args:
        page: The shared memory.
        transport: To send by.
        limit_s: See :class:`Watchdog`.
        damping: The same.
        stop: Ends a late controller before its robot is braked; None: it may come back.
    """
    gone_at: float | None = None
    while gone_at is None or (page.armed and time.monotonic() - gone_at < HOLD_S):
        if gone_at is not None:
            time.sleep(_SEND_S)
        elif select.select([sys.stdin], [], [], _SEND_S if page.took_over else _LOOK_S)[0]:
            gone_at = time.monotonic()  # nothing is ever written to the pipe: this is its end
        age = time.monotonic() - page.beat
        taking_over = page.armed and not page.took_over and (age > limit_s or gone_at is not None)
        if taking_over:
            page.took_over = True
            if stop is not None:
                stop()
        if page.took_over:
            transport.send(_braked(page, damping))
        if taking_over:
            _tell("is gone" if gone_at is not None else f"has sent nothing for {1e3 * age:.0f} ms")


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _tell(why: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone as well
        print(f"watchdog: the controller {why}; damping", file=sys.stderr, flush=True)


def _braked(page: Page, damping: float) -> LowCommand:
    command = LowCommand()
    command.mode_machine, command.mode_pr = page.model
    command.mode[:], command.kd[:] = 1, damping
    return command


def main() -> None:
    """Run the process."""
    fd, kind, interface, domain, group, limit_s, damping = sys.argv[1:]
    import_backend(kind)
    use_realtime_scheduling()
    try:
        transport = open_transport(kind, interface, int(domain), group)
    except LeggedGymError as error:
        sys.exit(f"watchdog: {error}")
    os.write(1, _READY)
    # This SDK repeats for ever what it was told last, against whatever is sent from here.
    stop = partial(_kill, os.getppid()) if kind == "far" else None
    watch(Page(int(fd)), transport, float(limit_s), float(damping), stop)
    transport.close()


if __name__ == "__main__":
    main()
