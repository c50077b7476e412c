"""The viewer for scripts: what it shows, from a command line, and what only scripts may know."""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from legged_gym.envs.base.joystick_config import check_drivable
from legged_gym.envs.base.legged_robot import LeggedRobot
from legged_gym.envs.base.legged_robot_config import LeggedRobotCfg
from legged_gym.envs.base.robot_deepmimic_config import RobotDeepMimicCfg
from legged_gym.evaluation.protocol import DRIVEN_STARTS
from legged_gym.motion.clip_list import motion_files
from legged_gym.motion.formats import ReadOptions, read_clip, write_clip
from legged_gym.scripts import _session
from legged_gym.scripts._motion import load_robot
from legged_gym.scripts.evaluate import DEFAULT_REPORT
from legged_gym.scripts.export import RECORD_STEPS, write_bundle
from legged_gym.utils import task_registry
from legged_gym.utils.cli import Command
from legged_gym.utils.errors import TerrainError
from legged_gym.viewer.app import Viewer
from legged_gym.viewer.session import Player, Session, untrained
from legged_gym.viewer.shelf import Shelf
from legged_gym.viewer.stage import ClipStage
from legged_gym.viewer.workshop import Workshop

if TYPE_CHECKING:
    import viser

    from legged_gym.scripts.play import PlayArgs
    from legged_gym.scripts.view_motion import ViewArgs

MOTION_TASK, MOTION_ROBOT = "g1_deepmimic", "g1"
"""Task whose reference shows clips that are played by nobody, and its robot."""
TRAINING_RATES = "clips.csv"
"""Table of success rates that training leaves in a run's folder."""


def make_viewer(command: Command, server: viser.ViserServer) -> Viewer:
    """The viewer of what play.py is asked to play, on a page; time stands still.

    Raises:
        LeggedGymError: There is no such run, or the environment cannot be built.
    """
    args, cfg = command.args, viewing_cfg(command)
    workshop = make_workshop(command)
    if args.policy == "checkpoint":
        player = _trained(_session.find_checkpoint(args))
    else:
        player = untrained(args.policy, args.seed)
    session = Session(lambda count: _build(command, cfg, count), args.num_envs or 1, player)
    _begin(session, args)
    return Viewer(session, _session.dressed(session.env, args.meshes), server, workshop)


def make_motion_viewer(args: ViewArgs, server: viser.ViserServer) -> Viewer:
    """The viewer of clips without a policy: of the tracking task's robot with all its joints free.

    Raises:
        LeggedGymError: A clip or its terrain cannot be read.
    """
    cfg = task_registry.get(MOTION_TASK).configure().env
    cfg.env.num_envs, cfg.asset.locked_joints = 1, []
    motion = cfg.deepmimic
    motion.default_data_fps, motion.csv_root_quat_order = args.fps, args.csv_root_quat_order
    with TemporaryDirectory() as folder:
        motion.amass_replay_data_path = list(args.clips)
        if args.terrain is not None:
            motion.amass_replay_data_path = _on_terrain(args, Path(folder))
        task = task_registry.get(MOTION_TASK)
        session = Session(lambda _: _session.build_env(task, cfg, seed=1), 1, None)
    return Viewer(session, _session.dressed(session.env, args.meshes), server)


def viewing_cfg(command: Command) -> LeggedRobotCfg:
    """The configuration of an environment to watch: that of an evaluation, with the noise of training at hand.

    Nothing is random until the page asks for it, and failure rules are as strict as in the end of training.

    Raises:
        ConfigError: As :func:`_session.evaluation_cfg`; or commands shall lead a policy that cannot be driven.
    """
    cfg = _on_level_ground(command, _session.evaluation_cfg(command, command.args.physics))
    cfg.noise = copy.deepcopy(command.cfg.env.noise)
    cfg.curriculum.thresholds, cfg.curriculum.penalties = [], []
    if isinstance(cfg, RobotDeepMimicCfg) and "env.terrain.n_rows" not in command.given:
        cfg.terrain.n_rows = 1  # copies serve training only
    return cfg


def make_workshop(command: Command) -> Workshop:
    """What a command line lends to the page."""
    args = command.args
    run = _session.find_checkpoint(args).parent if args.policy == "checkpoint" else None
    judged = _on_level_ground(command, _session.evaluation_cfg(command, "fine"))
    return Workshop(
        shelf=Shelf(args.experiment_name or args.task, _trained, args.seed, run),
        make_judge=lambda count: _build(command, judged, count),
        export=lambda checkpoint, out: write_bundle(command, checkpoint, out, RECORD_STEPS),
        success_rates=success_rates,
    )


def success_rates(checkpoint: Path) -> Mapping[str, float]:
    """Success rate of a checkpoint on clips, by name: from its evaluation, else those at the end of its run's training.

    A file that cannot be read counts as none: what it says is only shown.
    """
    try:
        report = json.loads(checkpoint.with_name(DEFAULT_REPORT).read_text(encoding="utf-8"))
        if report["provenance"]["iteration"] == int(checkpoint.stem.removeprefix("model_")):
            return {name: clip["success_rate"] for name, clip in report["clips"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        with checkpoint.with_name(TRAINING_RATES).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {row["clip"]: float(row["success_rate"]) for row in rows if row["success_rate"]}
    except (OSError, ValueError, KeyError, csv.Error):
        return {}


def _begin(session: Session, args: PlayArgs) -> None:
    """Begin where the command line says."""
    env, stage = session.env, session.stage
    if isinstance(stage, ClipStage):
        stage.choose(_session.find_clip(env, args.clip, args.start))
        stage.begin_at(round(args.start / env.step_dt))
    else:
        _session.check_level(env, args.level)
        stage.choose_level(env.terrain.num_levels - 1 if args.level is None else args.level)
    if args.command is not None:
        session.drive("hand", args.command)
    elif args.joystick:
        session.drive("drawn")
    session.restart()


def _on_level_ground(command: Command, cfg: LeggedRobotCfg) -> LeggedRobotCfg:
    """Of students that begin by command without a clip to begin on: their clips after one that stands there.

    Raises:
        ConfigError: The policy cannot be driven.
    """
    args = command.args
    if isinstance(cfg, RobotDeepMimicCfg) and (args.joystick or args.command is not None):
        check_drivable(cfg)
        if not {"clip", "env.deepmimic.amass_replay_data_path"} & command.given:
            motion, stand = cfg.deepmimic, f"{cfg.asset.robot}/{DRIVEN_STARTS['flat']}"
            clips = motion.amass_replay_data_path if motion.use_amass else []
            motion.amass_replay_data_path, motion.use_amass = [stand, *clips], True
    return cfg


def _trained(checkpoint: Path) -> Player:
    name = f"{checkpoint.parent.name} {checkpoint.stem.removeprefix('model_')}"
    return Player(name, lambda env: _session.load_policy(checkpoint, env).actor, checkpoint)


def _build(command: Command, cfg: LeggedRobotCfg, num_envs: int) -> LeggedRobot:
    own = copy.deepcopy(cfg)
    own.env.num_envs = num_envs
    return _session.build_judged_env(command, own)


def _on_terrain(args: ViewArgs, folder: Path) -> list[str]:
    """Copies of the clips that name the mesh which is given, in a folder."""
    _, robot = load_robot(MOTION_ROBOT)
    options = ReadOptions(fps=args.fps, csv_root_quat_order=args.csv_root_quat_order, robot=robot)
    if not args.terrain.is_file():
        raise TerrainError(f"--terrain={args.terrain}: no such file")
    copies = []
    for file in [file for path in args.clips for file in motion_files(path)]:
        clip = replace(read_clip(file, options), terrain=str(args.terrain.resolve()))
        copies.append(folder / f"{file.stem}.npz")
        write_clip(clip, copies[-1])
    return [str(copy) for copy in copies]
