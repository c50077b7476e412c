"""Other scripts of ours, as commands: built, shown, run, and ended when this process is asked to end."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from legged_gym.utils import paths

_PASSED_ON = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,  # the terminal is gone: end, but save first
}


def script_command(script: str, options: list[str], processes: int = 1) -> list[str]:
    """The command that runs a script, under torchrun for several processes."""
    file = str(paths.PACKAGE_ROOT / "scripts" / f"{script}.py")
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    if processes == 1:
        return [sys.executable, file, *options]
    return [sys.executable, *torchrun, file, "--multi_gpu", *options]


def typed(command: list[str]) -> str:
    """A command as one would type it in the current directory."""
    here = Path.cwd()
    words = [str(Path(word).relative_to(here)) if word.startswith(f"{here}/") else word for word in command]
    return shlex.join(words)


def run_child(command: list[str], inherited: int) -> tuple[int, bool]:
    """Run a command to its end, and pass on the signals that ask this process to end.

    The command gets a session of its own: Ctrl-C in a terminal reaches all processes of a session, and the second
    signal that a training gets, ours, would end it without saving.

    Args:
        command: Program and arguments.
        inherited: File descriptor that the command keeps open.

    Returns:
        Its exit status (negative: the signal that killed it), and whether a signal was passed on.
    """
    children: list[subprocess.Popen[bytes]] = []
    received: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for child in children:
            child.send_signal(_PASSED_ON[signal.Signals(number)])

    ignored = {number for number in _PASSED_ON if signal.getsignal(number) is signal.SIG_IGN} - {
        signal.SIGINT
    }
    previous = {number: signal.signal(number, pass_on) for number in _PASSED_ON if number not in ignored}
    try:
        children.append(subprocess.Popen(command, start_new_session=True, pass_fds=(inherited,)))
        for number in received:  # before there was a child to pass them on to
            children[0].send_signal(_PASSED_ON[signal.Signals(number)])
        return children[0].wait(), bool(received)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
