"""Computes a tick log again and draws it: ``python -m legged_gym.deploy.replay LOG [--against LOG]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from legged_gym.bundle.schema import BUNDLE_FILE
from legged_gym.deploy.bundle import Bundle, read_bundle
from legged_gym.deploy.controller import Controller
from legged_gym.deploy.deploy_config import DeployCfg
from legged_gym.deploy.messages import COMMAND_ARRAYS, LOW_STATE
from legged_gym.deploy.pilot import Pilot
from legged_gym.deploy.policy import load_policy
from legged_gym.deploy.robot_state import MotorMap
from legged_gym.deploy.safety import RULES
from legged_gym.deploy.state_machine import State
from legged_gym.deploy.tick_log import STATES, inputs_of, put_outputs, read_log, sha256_of
from legged_gym.utils.errors import LeggedGymError, RunError

OUTPUTS = (
    *("state", "trips", "facts", "frame", "observation", "action", "applied", "targets"),
    *("has_command", "command_modes", *(f"command_{name}" for name in COMMAND_ARRAYS)),
)


def open_log(path: Path, bundle: Path | None = None) -> tuple[dict[str, Any], np.ndarray, Bundle]:
    """A log's header and records, and the bundle it was made with.

    Args:
        path: The log.
        bundle: Where the bundle is now; None: where it was.

    Raises:
        RunError: One of them cannot be read, or the bundle is another one.
    """
    header, _ = read_log(path)
    folder = bundle or Path(header["bundle"])
    found = read_bundle(folder)
    if sha256_of(folder / BUNDLE_FILE) != header["bundle_sha256"]:
        raise RunError(f"{folder} is not the bundle of {path}: its {BUNDLE_FILE} differs")
    return header, read_log(path, found.spec)[1], found


def recompute(header: dict[str, Any], records: np.ndarray, bundle: Bundle) -> np.ndarray:
    """Run the controller on the inputs of a log; the records (T,) with what comes out now."""
    options = header["pilot"]
    cfg = DeployCfg(**{field.name: _group(field, header["cfg"]) for field in fields(DeployCfg)})
    policy = load_policy(bundle, options["runtime"])
    pilot = Pilot(bundle, policy, cfg.steering, options["drive"], options["clip"], options["at_end"])
    controller = Controller(bundle, pilot, cfg, header["absent"], header["shadow"], header["sends"])
    again = records.copy()
    for old, new in zip(records, again, strict=True):
        inputs = inputs_of(old)
        result = controller.step(inputs)
        result.command = controller.finish(inputs, result, float(old["finished"]))
        for name in OUTPUTS:
            new[name] = 0
        put_outputs(new, result)
    return again


def differences(records: np.ndarray, again: np.ndarray) -> list[str]:
    """Outputs that are not the same to the last bit, one text for each; empty: all are."""
    found = []
    for name in OUTPUTS:
        old, new = records[name], again[name]
        rows = np.array([a.tobytes() != b.tobytes() for a, b in zip(old, new, strict=True)], dtype=bool)
        if rows.any():
            first = int(rows.argmax())
            found.append(f"{name}: {int(rows.sum())} of {len(records)} ticks differ, first tick {first}")
    return found


def summary(records: np.ndarray) -> list[str]:
    """What people want to know of a log."""
    sent = records["sent"]
    was_sent = np.isfinite(sent)
    lines = [f"{len(records)} ticks, {np.ptp(records['now']) if len(records) else 0.0:.1f} s"]
    for state in State:
        count = int((records["state"] == STATES.index(state)).sum())
        if count:
            lines.append(f"  {state.name:8} {count} ticks")
    for name, values in latencies(records[was_sent]).items():
        if len(values):
            p50, p99, most = np.percentile(values, (50, 99, 100))
            lines.append(f"{name}: p50 {p50:.2f}, p99 {p99:.2f}, max {most:.2f} ms")
    for index, rule in enumerate(RULES):
        count = int((records["trips"] >> np.uint64(index) & np.uint64(1)).sum())
        if count:
            lines.append(f"guard {rule.name} tripped in {count} ticks")
    return lines


def latencies(records: np.ndarray) -> dict[str, np.ndarray]:
    """Times of ticks whose command was sent, ms."""
    return {
        "late at the start": 1e3 * (records["now"] - records["scheduled"]),
        "from the start to the command": 1e3 * (records["sent"] - records["now"]),
        "from the state to the command": 1e3 * (records["sent"] - records["state_received"]),
        "between commands": 1e3 * np.diff(records["sent"]),
    }


def joint_angles(records: np.ndarray, bundle: Bundle) -> np.ndarray:
    """Measured angles of the policy's joints, (T, J) rad."""
    raw = np.frombuffer(records["raw_state"].tobytes(), LOW_STATE)
    return raw["motor"]["q"][:, MotorMap(bundle.spec).driven]


def draw(logs: dict[str, np.ndarray], bundle: Bundle, out: Path) -> None:
    """Histograms of the times, and how the joints follow their targets while the policy runs.

    Args:
        logs: Records by the name they go by in the legend, such as one from a robot and one from a simulation.
        bundle: That of all of them.
        out: Picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    joints = _most_moved(logs, bundle)
    figure, axes = plt.subplots(2 + len(joints), 2, figsize=(12, 3 * (2 + len(joints))), squeeze=False)
    for label, records in logs.items():
        times = latencies(records[np.isfinite(records["sent"])])
        for axis, (name, values) in zip(axes[:2].flat, times.items(), strict=True):
            axis.hist(values, bins=60, histtype="step", label=label)
            axis.set(xlabel=f"{name}, ms", ylabel="ticks", yscale="log")
        running = records[records["state"] == STATES.index(State.RUN)]
        if not len(running):
            continue
        seconds = running["now"] - running["now"][0]
        angles, targets = joint_angles(running, bundle), running["targets"]
        for (left, right), joint in zip(axes[2:], joints, strict=True):
            left.plot(seconds, angles[:, joint], label=f"{label}: measured")
            left.plot(seconds, targets[:, joint], "--", linewidth=0.8, label=f"{label}: target")
            left.set(xlabel="s", ylabel=f"{bundle.spec.joint_names[joint]}, rad")
            right.plot(seconds, targets[:, joint] - angles[:, joint], label=label)
            right.set(xlabel="s", ylabel="target - measured, rad")
    for axis in axes.flat:
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out, dpi=80)
    plt.close(figure)


def _most_moved(logs: dict[str, np.ndarray], bundle: Bundle, count: int = 6) -> list[int]:
    """The joints that move most while the policy runs."""
    spread = np.zeros(len(bundle.spec.joints))
    for records in logs.values():
        running = records[records["state"] == STATES.index(State.RUN)]
        if len(running):
            spread = np.maximum(spread, np.ptp(joint_angles(running, bundle), axis=0))
    return sorted(np.argsort(-spread)[:count].tolist())


def _group(field: Any, cfg: dict[str, Any]) -> Any:
    return field.default_factory(**cfg[field.name])


def replay(argv: Sequence[str]) -> int:
    """Parse, compute, compare, draw. Returns 1 if anything came out differently."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="tick log")
    parser.add_argument("--bundle", type=Path, help="where the bundle is now; by default where it was")
    parser.add_argument("--against", type=Path, help="another log of the same bundle to draw beside it")
    parser.add_argument("--plots", type=Path, help="picture to write")
    args = parser.parse_args(argv)
    header, records, bundle = open_log(args.log, args.bundle)
    print("\n".join([f"{args.log}, {header['time']}", *summary(records)]))
    found = differences(records, recompute(header, records, bundle))
    print("\n".join(found) if found else "computed again: the same to the last bit")
    if args.plots is not None:
        logs = {args.log.stem: records}
        if args.against is not None:
            logs[args.against.stem] = open_log(args.against, args.bundle)[1]
        draw(logs, bundle, args.plots)
        print(f"wrote {args.plots}")
    return int(bool(found))


def main() -> None:
    """Errors of the user are one line and status 2."""
    try:
        sys.exit(replay(sys.argv[1:]))
    except LeggedGymError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
