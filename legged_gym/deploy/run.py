"""The controller: ``python -m legged_gym.deploy.run --bundle DIR --interface lo --domain 1``."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: threads cost more than they give here
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
import queue
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from logging.handlers import QueueHandler, QueueListener

from legged_gym.bundle.schema import BUNDLE_FILE
from legged_gym.deploy.bundle import Bundle, read_bundle
from legged_gym.deploy.controller import Controller
from legged_gym.deploy.deploy_config import DeployCfg
from legged_gym.deploy.loop import Loop, Sources
from legged_gym.deploy.models import absent_joints
from legged_gym.deploy.options import RunOptions, parse_options
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.policy import load_policy
from legged_gym.deploy.preflight import Check, check_robot, release_controller, wait_for_robot
from legged_gym.deploy.realtime import use_realtime_scheduling
from legged_gym.deploy.state_machine import Event
from legged_gym.deploy.surroundings import Surroundings
from legged_gym.deploy.surroundings_dds import open_receiver
from legged_gym.deploy.tick_log import TickLog, sha256_of
from legged_gym.deploy.transport import LowState, Transport, import_backend, open_transport
from legged_gym.deploy.watchdog import Watchdog
from legged_gym.utils.errors import ConfigError, LeggedGymError, RunError

log = logging.getLogger(__name__)

STARTED = time.monotonic()


def run(options: RunOptions, cfg: DeployCfg) -> int:
    """Check everything, then drive the robot until the operator ends it.

    Returns:
        Status of the process: 1 if a guard had latched the damping, else 0.

    Raises:
        LeggedGymError: Something is missing or wrong; nothing was sent.
    """
    end = _End()
    with ExitStack() as open_things:
        watchdog = _start_watchdog(options, cfg)
        if watchdog is not None:
            open_things.callback(watchdog.abandon)
        bundle = read_bundle(options.bundle)
        pilot = Pilot(
            bundle,
            load_policy(bundle, options.runtime),
            cfg.steering,
            options.drive,
            options.clip,
            options.at_end,
        )
        _require_sources(pilot, options)
        import_backend(options.transport)
        if options.realtime and not use_realtime_scheduling():
            log.warning("no real-time priority: a busy computer will be felt; see doc/deploy.md")
        transport = open_transport(options.transport, options.interface, options.domain, _group())
        open_things.callback(transport.close)
        sources = Sources(_receivers(options), bundle.spec.height_map)
        open_things.callback(sources.close)
        if watchdog is not None:
            watchdog.wait_until_ready()
        log.info("ready to look for the robot %.2f s after the start", time.monotonic() - STARTED)
        low = wait_for_robot(transport)
        _check_and_confirm(options, cfg, bundle, pilot, transport, sources)
        return _drive(options, cfg, bundle, pilot, transport, sources, watchdog, low, end)


class _End:
    """Signals that end the program. Before there is a loop they interrupt what is done; what swallows an interrupt, as
    destructors do, delays it only."""

    def __init__(self) -> None:
        """Listen to Ctrl-C, SIGTERM and a terminal that is closed."""
        self._loop: Loop | None = None
        self._asked = False
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: self._ask())

    def of(self, loop: Loop) -> None:
        """From now on they have the loop end, in damping."""
        self._loop = loop
        if self._asked:
            self._ask()

    def _ask(self) -> None:
        self._asked = True
        if self._loop is None:
            raise KeyboardInterrupt
        self._loop.request(Event.QUIT)


def _drive(
    options: RunOptions,
    cfg: DeployCfg,
    bundle: Bundle,
    pilot: Pilot,
    transport: Transport,
    sources: Sources,
    watchdog: Watchdog | None,
    low: LowState,
    end: _End,
) -> int:
    absent = absent_joints(low.mode_machine)
    controller = Controller(bundle, pilot, cfg, absent, options.shadow, sends=watchdog is not None)
    tick_log = _open_log(options, cfg, bundle, absent)
    loop = Loop(transport, controller, sources, bundle.spec.rates.control_dt, watchdog, tick_log)
    loop.request(Event.CONNECTED)
    end.of(loop)
    try:
        with _messages_by_a_thread():
            loop.run()
    finally:
        if tick_log is not None:
            tick_log.close()
    counts = loop.counts
    log.info("%d ticks, %d late, %d missed", counts.ticks, counts.late, counts.missed)
    return int(controller.fault is not None)


def _start_watchdog(options: RunOptions, cfg: DeployCfg) -> Watchdog | None:
    """Started first, so that it gets ready while everything else is loaded. None where nothing is sent."""
    if options.dry_run or options.shadow:
        return None
    limit, damping = cfg.safety.tick_overdue_s, cfg.safety.damping
    return Watchdog(options.transport, options.interface, options.domain, _group(), limit, damping)


def _group() -> str:
    """What this process and its watchdog are called on the bus."""
    return f"controller {os.getpid()}"


def _require_sources(pilot: Pilot, options: RunOptions) -> None:
    problems = pilot.missing_sources(options.odometry is not None, options.height_map is not None)
    if problems:
        raise ConfigError("the policy's observations cannot be made:\n  " + "\n  ".join(problems))


def _receivers(options: RunOptions) -> list[Surroundings]:
    addresses = dict.fromkeys(a for a in (options.odometry, options.height_map) if a is not None)
    return [open_receiver(address, options.interface, options.domain) for address in addresses]


def _check_and_confirm(
    options: RunOptions,
    cfg: DeployCfg,
    bundle: Bundle,
    pilot: Pilot,
    transport: Transport,
    sources: Sources,
) -> None:
    checks = check_robot(transport, bundle.spec, pilot, sources, cfg.safety)
    _report(checks)
    if failed := [check.name for check in checks if not check.passed]:
        raise RunError(f"pre-flight checks failed: {', '.join(failed)}")
    if options.dry_run or options.shadow:
        return
    if options.real:
        _confirm(bundle)
    if options.motion_switcher == "release":
        release_controller(transport)


def _report(checks: list[Check]) -> None:
    for check in checks:
        print(f"{'ok  ' if check.passed else 'FAIL'}  {check.name:15} {check.found}", flush=True)


def _confirm(bundle: Bundle) -> None:
    """Have the operator type the task's name.

    Raises:
        ConfigError: There is no terminal, or another word was typed.
    """
    task = bundle.spec.task
    if not sys.stdin.isatty():
        raise ConfigError("--real asks for a word on the terminal, and there is no terminal")
    print(f"This moves a real robot. It goes limp first: it must hang or lie. Policy: {task}.")
    if input(f"Type {task} to go on: ").strip() != task:
        raise ConfigError("not confirmed; nothing was sent")


def _open_log(options: RunOptions, cfg: DeployCfg, bundle: Bundle, absent: Sequence[str]) -> TickLog | None:
    if options.log_dir is None:
        return None
    path = options.log_dir / time.strftime("%Y%m%d_%H%M%S.ticks")
    log.info("every tick goes to %s", path)
    header = {
        "bundle": str(bundle.folder.resolve()),
        "bundle_sha256": sha256_of(bundle.folder / BUNDLE_FILE),
        "absent": list(absent),
        "options": {name: str(value) for name, value in asdict(options).items()},
        "pilot": {name: getattr(options, name) for name in ("runtime", "drive", "clip", "at_end")},
        "shadow": options.shadow,
        "sends": not (options.dry_run or options.shadow),
        "cfg": asdict(cfg),
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }
    return TickLog(path, bundle.spec, header)


@contextmanager
def _messages_by_a_thread() -> Iterator[None]:
    """Have messages written by a thread of their own: a terminal that is stopped must not stop the control loop."""
    root = logging.getLogger()
    direct = list(root.handlers)
    messages: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = QueueListener(messages, *direct)
    handler = QueueHandler(messages)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root.handlers[:] = [handler]
    listener.start()
    try:
        yield
    finally:
        root.handlers[:] = direct
        listener.stop()


def main() -> None:
    """Parse, run; errors of the user are one line and status 2."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s.%(msecs)03d %(message)s", datefmt="%H:%M:%S")
    try:
        sys.exit(run(*parse_options(sys.argv[1:], RunOptions.__doc__)))
    except LeggedGymError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted before the robot was commanded", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
