"""The command line of the simulated robot."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.rotations import yaw_of
from legged_gym.deploy.sim_robot_faults import FAULTS
from legged_gym.deploy.sim_robot_options import ACTIONS, BodyOptions, SimRobotOptions


def parse_arguments(argv: Sequence[str] | None) -> tuple[SimRobotOptions, float, Path | None]:
    """Options, how long to live (s), and where to write the last report.

    Raises:
        RunError: The bundle cannot be read, or has no such clip.
    """
    args = _parser().parse_args(argv)
    robot, start = args.robot, (0.0, 0.0, 0.0)
    if args.bundle is not None:
        robot, start = _of_bundle(args.bundle, args.clip)
    body = BodyOptions(
        robot=robot,
        mode_machine=args.mode_machine,
        feet=args.feet,
        ground=args.ground,
        friction=args.friction,
        payload=args.payload,
        physics_dt=args.physics_dt,
        start=start,
    )
    options = SimRobotOptions(
        body=body,
        interface=args.interface,
        domain=args.domain,
        motion_mode=args.motion_mode,
        surroundings=args.surroundings,
        control=args.control,
        schedule=args.at,
        keyboard=args.keyboard,
        seed=args.seed,
        realtime=not args.no_realtime,
    )
    return options, args.duration, args.report


def _of_bundle(folder: Path, clip: str | None) -> tuple[str, tuple[float, float, float]]:
    """The robot a policy drives, and where it starts: where its clip does."""
    bundle = read_bundle(folder)
    if bundle.reference is None:
        return bundle.spec.robot, (0.0, 0.0, 0.0)
    first = bundle.clip_frames(clip or bundle.spec.provenance.clips[0].name)[0]
    x, y, _ = bundle.reference["root_pos_w"][first].tolist()
    return bundle.spec.robot, (x, y, yaw_of(tuple(bundle.reference["root_quat_wxyz"][first].tolist())))


def _parser() -> argparse.ArgumentParser:
    faults = "\n".join(
        f"  {name:14s}{kind.what}" + (f" [{kind.size:g} {kind.unit}]" if kind.unit else "")
        for name, kind in FAULTS.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m legged_gym.deploy.sim_robot",
        description="A simulated robot on the real bus: it publishes rt/lowstate at 500 Hz and follows rt/lowcmd.",
        epilog=f"{ACTIONS}\nfaults [default size]:\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, own = parser.add_argument, BodyOptions()
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--bundle", type=Path, help="policy bundle: its robot, standing where its clip begins")
    which.add_argument("--robot", default=own.robot, help="folder under resources/robots (default: g1)")
    add("--clip", help="clip of the bundle whose beginning is meant; the first one by default")
    add("--interface", default="lo", help="network interface (default: lo)")
    add("--domain", type=int, default=1, help="DDS domain; 0 is that of real robots and refused (default: 1)")
    add("--feet", default=own.feet, help="shapes of the soles: own, rails or sole, as training varies them")
    add("--ground", default=own.ground, help="flat, KIND:DIFFICULTY:SEED as stairs:0.5:0, or a mesh file")
    add("--friction", type=float, help="of the ground; by default the robot's feet decide, as in training")
    add("--payload", type=float, default=own.payload, help="mass added to the torso, kg")
    add("--mode-machine", type=int, default=own.mode_machine, help="5: 29 joints, 4: 23, 6: waist locked")
    add("--physics-dt", type=float, default=own.physics_dt, help="time step of physics and motors, s (0.002)")
    add("--motion-mode", default="ai", help='built-in controller that is on at the start; "": none')
    truth = "send true odometry and height map to udp:HOST:PORT, unix:PATH or dds:TOPIC; repeatable"
    add("--surroundings", action="append", default=[], metavar="ADDRESS", help=truth)
    add("--control", type=Path, metavar="SOCKET", help="take actions from this Unix socket")
    add("--at", action="append", default=[], metavar='"SECONDS ACTION"', help="do something then; repeatable")
    add("--keyboard", action="store_true", help="take actions from the keys of this terminal")
    add("--duration", type=float, default=math.inf, help="stop after so many seconds")
    add("--report", type=Path, metavar="FILE", help="write what happened as JSON at the end")
    add("--seed", type=int, default=0, help="of random faults")
    add("--no-realtime", action="store_true", help="do not ask for real-time scheduling")
    return parser
