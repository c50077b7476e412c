"""The clips of a task, from its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg, RobotDeepMimicCfg
from legged_gym.motion.formats import ReadOptions
from legged_gym.motion.recordings import RecordingOptions
from legged_gym.motion.reference_states import ClipOptions
from legged_gym.motion.replay_data import LibraryOptions, ReplayData
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.terrain.mesh_ground import mesh_ground
from legged_gym.utils.processes import rank, require_same, world_size


def load_library(
    cfg: RobotDeepMimicCfg,
    robot: Robot,
    body_names: Sequence[str],
    control_dt: float,
    device: str | torch.device,
) -> ReplayData:
    """Load the clips of a task.

    Args:
        cfg: the task's configuration.
        robot: the robot that is to follow them.
        body_names: its bodies that the task watches, in the simulator's order.
        control_dt: control period, s.
        device: where the tensors live.

    Raises:
        MotionError: a clip cannot be read, does not fit the robot, or its terrain cannot be read; or there are too
            few to share.
        RunError: another process that trains along has other clips.
    """
    motion = cfg.deepmimic
    layout = RobotLayout(
        robot.compile(),
        robot.joint_names,
        body_names,
        robot.foot_bodies,
        cfg.asset.locked_joints,
        robot.velocity_limit,
        cfg.asset.robot,
    )
    fps = motion.default_data_fps
    options = LibraryOptions(
        amass_data_root=motion.amass_data_root,
        recordings=recording_options(motion) if motion.use_human_videos else None,
        read=ReadOptions(
            fps=fps if fps is not None and fps > 0.0 else None,
            csv_root_quat_order=motion.csv_root_quat_order,
            joint_order=motion.default_joint_order_type,
            csv_joints_only=motion.is_csv_joint_only,
            robot=_whole_robot(cfg),
        ),
        clips=ClipOptions(
            start_time=motion.start_time,
            end_time=motion.end_time,
            upsample_data=motion.upsample_data,
            cut_off_import_length=motion.cut_off_import_length,
            n_prepend=motion.n_prepend,
            n_append=motion.n_append,
            height_direct_offset=motion.height_direct_offset,
            ground_align=motion.ground_align,
            feed_forward=cfg.control.feed_forward == "inverse_dynamics",
        ),
        cache=motion.cache,
        mesh_ground=mesh_ground,
        share=slice(rank(), None, world_size()) if motion.share_clips == "split" else slice(None),
    )
    data = ReplayData.load(
        motion.amass_replay_data_path if motion.use_amass else [],
        robot=layout,
        control_dt=control_dt,
        device=device,
        options=options,
    )
    frames = data.clip_length.tolist() if motion.share_clips == "all" else [None] * len(data.library_names)
    numbered = enumerate(zip(data.library_names, frames, strict=True))
    require_same("library of clips", {f"clip {number}": clip for number, clip in numbered})
    return data


def recording_options(motion: DeepMimicCfg) -> RecordingOptions:
    """Which recordings a configuration asks for, and where they lie."""
    return RecordingOptions(
        folders=motion.human_video_folders,
        source=motion.human_motion_source,
        roots=(motion.data_root, motion.alt_data_root),
        data_pattern=motion.human_video_data_pattern,
        terrain_pattern=motion.human_video_terrain_pattern,
        oversample_factor=motion.human_video_oversample_factor,
    )


def _whole_robot(cfg: RobotDeepMimicCfg) -> RobotLayout:
    """The robot with all its joints free, as files have it."""
    robot = build_robot(replace(cfg.asset, locked_joints=[]), cfg.control)
    return RobotLayout(
        robot.compile(),
        robot.joint_names,
        robot.body_names,
        robot.foot_bodies,
        velocity_limit=robot.velocity_limit,
        name=cfg.asset.robot,
    )
