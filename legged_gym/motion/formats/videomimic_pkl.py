"""VideoMimic's pickle: a dict of joints by name, root, links, contacts and (sometimes) fps, quaternions xyzw."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.options import ReadOptions, WriteOptions
from legged_gym.motion.formats.safe_pickle import load_pickle
from legged_gym.motion.formats.videomimic import FOOT_BODIES, XYZW_FROM_WXYZ, clip_from_fields
from legged_gym.motion.links import robot_links
from legged_gym.utils.errors import MotionError
from legged_gym.utils.paths import write_atomically


def read_videomimic_pkl(path: Path, options: ReadOptions) -> Clip:
    """Read a pickle of VideoMimic.

    Joint names may lack `_joint`, link names may end in `.STL`. Links are compared with the kinematics where a robot is
    given; without a rate in the file, `options.fps` must give it, as the original reads one file at 30 or at 50.

    Raises:
        MotionError: the file is no such pickle, or its rate is unknown.
    """
    return clip_from_fields(path, "videomimic_pkl", load_pickle(path), options)


def write_videomimic_pkl(clip: Clip, path: Path, options: WriteOptions) -> None:
    """Write the dict, float64, its links in the world and computed by the kinematics of `options.robot`.

    Raises:
        MotionError: no robot is given, or the clip does not fit it.
        RunError: the file cannot be written.
    """
    if options.robot is None:
        raise MotionError(f"{path}: format videomimic_pkl holds links, so writing it needs the robot")
    links = robot_links(clip, options.robot)
    foot_names = {body: foot for foot, body in FOOT_BODIES.items()}
    content = {
        "joint_names": list(clip.joint_names),
        "joints": np.array(clip.dof_pos),
        "root_pos": np.array(clip.root_pos),
        "root_quat": clip.root_quat_wxyz[:, XYZW_FROM_WXYZ],
        "link_names": list(links.names),
        "link_pos": links.pos_w,
        "link_quat": links.quat_wxyz[..., XYZW_FROM_WXYZ],
        "fps": clip.fps,
    }
    if clip.contacts is not None:
        content["contacts"] = {foot_names.get(foot, foot): np.array(on) for foot, on in clip.contacts.items()}
    # Protocol 4 is what every Python 3 with a numpy of these years reads.
    data = pickle.dumps(content, protocol=4)
    write_atomically(path, lambda partial: partial.write_bytes(data))
