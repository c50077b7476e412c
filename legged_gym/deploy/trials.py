"""Trials over the real bus against the project's bars: ``python -m legged_gym.deploy.trials --bundle DIR``.

A simulated robot and the controller's own program, many times; a table at the end, and status 1 if a bar is missed.
Needs the whole package (the robot is MuJoCo's) and Linux. Figures of time mean something on an idle computer only.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.pilot import can_be_steered
from legged_gym.deploy.trial_faults import FAULTS, try_faults
from legged_gym.deploy.trial_rig import Setup, stolen_s
from legged_gym.deploy.trial_walks import UPRIGHT, Walk, size, stand_loaded, walk
from legged_gym.utils.errors import ConfigError, LeggedGymError

LATENCY_MS, MEMORY_MB, START_UP_S = 3.0, 120.0, 1.0
"""The bars: 99th percentile from state to command, memory of the controller, its start."""
FOLLOWED = 0.5
"""Share of the way the sticks ask for that counts as following them; ramps and turns take some of it."""
SECONDS = 60.0
_STARTS = 5


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    found: str
    bar: str
    passed: bool


@dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    setup: Setup
    trials: int
    fault_trials: int
    seconds: float
    steered: bool
    """Whether the sticks lead the policy."""
    faults: list[str]


def walks(plan: Plan) -> list[Row]:
    """Walk the clip or follow the sticks, trial by trial."""
    found: list[Walk] = []
    for trial in range(plan.trials):
        one = walk(plan.setup, plan.seconds, plan.steered, seed=trial)
        found.append(one)
        way = f", went {one.went_m:.1f} of {one.asked_m:.1f} m" if plan.steered else ""
        print(f"  trial {trial}: {one.outcome} after {one.ticks} ticks{way}", flush=True)
    upright = sum(one.upright for one in found)
    what = "follows the sticks" if plan.steered else "walks its clip"
    rows = [
        Row(f"{what} for {plan.seconds:g} s", f"{upright} of {plan.trials}", "all", upright == plan.trials)
    ]
    if plan.steered:
        shares = [one.went_m / one.asked_m if one.asked_m else 0.0 for one in found]
        rows.append(
            Row(
                "way it went of the way asked",
                f"{min(shares):.0%}",
                f"{FOLLOWED:.0%}",
                min(shares) >= FOLLOWED,
            )
        )
    return rows


def latency(plan: Plan) -> list[Row]:
    """How late commands are, over one walk."""
    before = stolen_s()
    one = walk(plan.setup, plan.seconds, plan.steered, seed=0)
    print(f"  other machines on the same host took {stolen_s() - before:.1f} s of processor time", flush=True)
    p50, p99, most = np.percentile(one.latency_ms, (50, 99, 100)) if one.ticks else (np.nan,) * 3
    found = f"p50 {p50:.2f}, p99 {p99:.2f}, max {most:.2f} ms"
    return [
        Row("from state to command", found, f"p99 {LATENCY_MS:g} ms", bool(p99 <= LATENCY_MS)),
        Row("missed ticks", f"{one.missed} of {one.ticks}", "0", one.missed == 0 and one.ticks > 0),
        Row("meanwhile the robot", one.outcome, UPRIGHT, one.upright),
    ]


def load(plan: Plan) -> list[Row]:
    """Stand with a busy loop on every core."""
    one = stand_loaded(plan.setup, plan.seconds)
    return [Row(f"stands for {plan.seconds:g} s, all cores loaded", one.outcome, UPRIGHT, one.upright)]


def faults(plan: Plan) -> list[Row]:
    """Every fault so many times."""
    outcomes = try_faults(plan.setup, plan.fault_trials, plan.faults)
    missed = [outcome.fault.name for outcome in outcomes if not outcome.passed]
    found = f"{len(outcomes) - len(missed)} of {len(outcomes)}" + (
        f"; missed: {', '.join(missed)}" if missed else ""
    )
    bar = "all, 100 ms"
    return [Row(f"faults that end in damping, {plan.fault_trials} trials each", found, bar, not missed)]


def sizes(plan: Plan) -> list[Row]:
    """Memory and start."""
    found = [size(plan.setup) for _ in range(_STARTS)]
    start = float(np.median([one.started_s for one in found]))
    memory, both = max(one.controller_mb for one in found), max(one.both_mb for one in found)
    return [
        Row("start-up", f"{start:.2f} s, median of {_STARTS}", f"{START_UP_S:g} s", start <= START_UP_S),
        Row("memory of the controller", f"{memory:.0f} MB", f"{MEMORY_MB:g} MB", memory <= MEMORY_MB),
        Row("memory with the watchdog", f"{both:.0f} MB", f"{MEMORY_MB:g} MB", both <= MEMORY_MB),
    ]


BARS: dict[str, Callable[[Plan], list[Row]]] = {
    "walk": walks,
    "latency": latency,
    "load": load,
    "faults": faults,
    "size": sizes,
}


def table_of(rows: Sequence[Row]) -> str:
    """All lines, aligned."""
    cells = [
        ("", "found", "bar", ""),
        *((r.what, r.found, r.bar, "ok" if r.passed else "MISSED") for r in rows),
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def trials(argv: Sequence[str]) -> int:
    """Parse, try, print. Returns 1 if a bar was missed.

    Raises:
        LeggedGymError: Something is missing, or a program did not start.
    """
    args = _parser().parse_args(argv)
    plan, rows = _plan(args), []
    for name in args.only.split(","):
        print(f"{name}:", flush=True)
        rows += BARS[name](plan)
    print("\n" + table_of(rows))
    return int(not all(row.passed for row in rows))


def _plan(args: argparse.Namespace) -> Plan:
    for name, known in ((args.only, BARS), (args.faults, [fault.name for fault in FAULTS])):
        unknown = [word for word in (name or "").split(",") if word and word not in known]
        if unknown:
            raise ConfigError(f"nothing is called {unknown[0]!r}; known: {', '.join(known)}")
    steered = args.drive != "clip" and can_be_steered(read_bundle(args.bundle).spec)
    controller = ["--drive", args.drive, *shlex.split(args.controller)]
    if not steered and "--at_end" not in controller:
        controller += ["--at_end", args.at_end]
    setup = Setup(args.bundle, args.domain, args.python, tuple(controller), tuple(shlex.split(args.robot)))
    count = args.trials
    chosen = args.faults.split(",") if args.faults else []
    return Plan(setup, count or 10, count or 20, args.seconds, steered, chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m legged_gym.deploy.trials", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("policy"), help="folder of the bundle")
    add("--only", default=",".join(BARS), help="what to try, with commas between (all)")
    add("--trials", type=int, help="how often; by default 10 walks, and 20 of each fault")
    add("--seconds", type=float, default=SECONDS, help="length of walking and standing, s (60)")
    add(
        "--drive",
        default="auto",
        choices=("auto", "clip", "joystick"),
        help="who leads the policy, as in run",
    )
    add("--at_end", default="again", choices=("again", "stay"), help="at the clip's end, as in run (again)")
    add("--faults", help="names of faults to try, with commas between (all)")
    add("--domain", type=int, default=1, help="DDS domain; some trials take the 100 above it (1)")
    add("--python", default=sys.executable, help="interpreter of the controller, such as one without torch")
    add("--controller", default="", metavar="OPTIONS", help="more options for run, in one word")
    add("--robot", default="", metavar="OPTIONS", help="more options for sim_robot, in one word")
    return parser


def main() -> None:
    """Errors of the user are one line and status 2."""
    try:
        sys.exit(trials(sys.argv[1:]))
    except LeggedGymError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
