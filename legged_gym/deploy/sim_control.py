"""Telling a simulated robot what to do from another process: one datagram an action, one back."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from legged_gym.utils.errors import ConfigError, LeggedGymError, TransportError

_MAX_BYTES = 200_000


class ControlServer:
    """The robot's end. ``poll`` never blocks."""

    def __init__(self, path: Path, do: Callable[[str], dict[str, Any]]) -> None:
        """Listen on a Unix socket at ``path``.

        Raises:
            TransportError: It cannot be made.
        """
        self._path, self._do = path, do
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        try:
            self._socket.bind(str(path))
        except OSError as error:
            raise TransportError(f"cannot listen on {path}: {error.strerror}") from None
        self._socket.setblocking(False)

    def poll(self) -> None:
        """Do what has been asked for."""
        while True:
            try:
                data, sender = self._socket.recvfrom(_MAX_BYTES)
            except BlockingIOError:
                return
            try:
                answer = self._do(data.decode())
            except LeggedGymError as error:
                answer = {"error": str(error)}
            with contextlib.suppress(OSError):  # who asked has gone
                self._socket.sendto(json.dumps(answer).encode(), sender)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class SimControl:
    """The other end."""

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        """Talk to the robot that listens at ``path``, or will soon."""
        self._path, self._timeout = path, timeout_s
        self._own = Path(tempfile.mkdtemp()) / "control"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._own))
        self._socket.settimeout(timeout_s)

    def do(self, action: str) -> dict[str, Any]:
        """Have an action done; the robot's report after it. Waits for a robot that is still starting.

        Raises:
            ConfigError: The robot refused the action.
            TransportError: No robot answers.
        """
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                self._socket.sendto(action.encode(), str(self._path))
                answer = json.loads(self._socket.recv(_MAX_BYTES))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise TransportError(f"no simulated robot listens at {self._path}") from None
                time.sleep(0.02)
            except TimeoutError:
                raise TransportError(f"the simulated robot at {self._path} does not answer") from None
        if "error" in answer:
            raise ConfigError(answer["error"])
        return answer

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        os.unlink(self._own)
        os.rmdir(self._own.parent)
