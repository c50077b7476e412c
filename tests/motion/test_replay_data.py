import dataclasses
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import mujoco
import numpy as np
import pytest
import torch

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.motion.reference_states import ClipOptions
from legged_gym.motion.replay_data import LibraryOptions, ReplayData
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.errors import MotionError

MakeClip = Callable[..., Clip]
LENGTHS = (11, 6, 26)
"""Frames at 50 Hz of the three clips of `folder`."""


@pytest.fixture
def folder(tmp_path: Path, biped_clip: MakeClip) -> Path:
    for name, frames in zip("abc", LENGTHS, strict=True):
        write_npz(biped_clip(frames=frames, fps=50.0), tmp_path / f"{name}.npz")
    return tmp_path


def _load(
    paths: str | Path | list[str], model: mujoco.MjModel, share: slice = slice(None), **options: object
) -> ReplayData:
    return ReplayData.load(
        paths,
        robot=RobotLayout(
            model,
            ("left_hip", "right_hip"),
            ("pelvis", "left_foot", "right_foot"),
            ("left_foot", "right_foot"),
        ),
        control_dt=0.02,
        device="cpu",
        options=LibraryOptions(clips=ClipOptions(**options), share=share),
    )


def test_a_share_of_the_library_is_loaded_and_all_of_it_is_known(folder: Path, biped: mujoco.MjModel) -> None:
    whole = _load(folder, biped)
    for share, names in ((slice(0, None, 2), ["a", "c"]), (slice(1, None, 2), ["b"])):
        data = _load(folder, biped, share)
        assert (data.clip_names, data.library_names) == (names, ["a", "b", "c"])
        clips = [whole.clip_names.index(name) for name in names]
        assert torch.equal(data.clip_length, whole.clip_length[clips])
        assert data.files == [whole.files[clip] for clip in clips]
    start = whole.clip_start[1]
    assert torch.equal(data.dof_pos, whole.dof_pos[start : start + whole.clip_length[1]])


def test_too_few_clips_to_share_are_refused(folder: Path, biped: mujoco.MjModel) -> None:
    for number in range(4):  # by all processes alike, also by those that have a clip
        with pytest.raises(MotionError, match="3 clips cannot be shared out to 4 processes"):
            _load(folder, biped, slice(number, None, 4))


def test_clips_lie_one_after_the_other(folder: Path, biped: mujoco.MjModel) -> None:
    data = _load(folder, biped)
    assert data.clip_names == ["a", "b", "c"]
    assert data.clip_length.tolist() == list(LENGTHS)
    assert data.clip_start.tolist() == [0, 11, 17]
    assert data.clip_of(torch.tensor([0, 10, 11, 16, 17, 42])).tolist() == [0, 0, 1, 1, 2, 2]
    assert data.clip_last_frame(torch.tensor([0, 1, 2])).tolist() == [10, 16, 42]
    assert data.num_frames == len(data.contacts) == 43
    assert data.body_pos_w.shape == (43, 3, 3)
    assert data.body_quat_wxyz.shape == (43, 3, 4)
    assert data.contacts.dtype == data.dof_pos.dtype == torch.float32
    assert data.feed_forward is None
    # velocities do not see the jump from one clip to the next
    assert torch.allclose(data.root_lin_vel_w[:, 0], torch.tensor(0.7), atol=1e-5)


def test_options_reach_the_clips(folder: Path, biped: mujoco.MjModel) -> None:
    data = _load(folder / "c.npz", biped, cut_off_import_length=10, n_append=3, feed_forward=True)
    assert data.num_frames == 13
    assert data.feed_forward.shape == (13, 2)
    assert data.feed_forward.isfinite().all()


def test_equal_file_names_are_told_apart_by_folder(
    tmp_path: Path, biped_clip: MakeClip, biped: mujoco.MjModel
) -> None:
    for part in ("x", "y"):
        (tmp_path / part).mkdir()
        write_npz(biped_clip(), tmp_path / part / "walk.npz")
    write_npz(biped_clip(), tmp_path / "y" / "run.npz")
    assert _load(f"{tmp_path}/*/*.npz", biped).clip_names == ["x/walk", "run", "y/walk"]


def test_a_29_joint_clip_drives_the_23_joint_g1(shared_dir: Path) -> None:
    asset = AssetCfg(locked_joints=["wrist"])
    robot = build_robot(asset, ActuatorCfg())
    data = _load_g1(shared_dir / "data/g1/kimodo/walk.csv", robot, locked_joints=asset.locked_joints)
    assert data.dof_pos.shape == (250, 23)
    with pytest.raises(MotionError, match="joints left_wrist_roll_joint"):
        _load_g1(shared_dir / "data/g1/kimodo/walk.csv", robot)


def test_a_real_walk_stands_on_the_ground_and_loads_fast(shared_dir: Path, g1: Robot) -> None:
    start = time.perf_counter()
    data = _load_g1(shared_dir / "data/g1/kimodo/walk.csv", g1, ground_align=True, feed_forward=True)
    assert time.perf_counter() - start < 1.0
    assert data.num_frames == 250  # 149 / 30 s = 248.3 steps
    assert 0.5 < data.contacts.mean() < 0.7  # each foot is down a bit more than half of the time
    assert (data.contacts.sum(1) > 0).float().mean() > 0.95
    assert data.root_ang_vel_w.norm(dim=1).max() < 5.0
    limit = torch.as_tensor(g1.effort_limit, dtype=torch.float32)
    effort = data.feed_forward.abs() / limit
    assert 0.03 < effort.mean() < 0.15
    assert effort.max() < 1.0


def test_a_long_dance_has_no_velocity_spikes(shared_dir: Path, g1: Robot) -> None:
    data = _load_g1(shared_dir / "data/g1/lafan1/dance1_subject2.csv", g1, start_time=8.0, end_time=20.0)
    assert data.num_frames == 601
    assert data.root_ang_vel_w.norm(dim=1).max() < 10.0
    assert np.isclose(data.root_pos_w[:, 2].min(), 0.647, atol=0.01)


def _load_g1(path: Path, robot: Robot, locked_joints: Sequence[str] = (), **options: object) -> ReplayData:
    return ReplayData.load(
        path,
        robot=RobotLayout(
            robot.compile(), robot.joint_names, robot.body_names, robot.foot_bodies, locked_joints
        ),
        control_dt=0.02,
        device="cpu",
        options=LibraryOptions(clips=ClipOptions(**options)),
    )


def test_the_worst_clips_are_named_at_the_start_from_the_cache_as_well(
    folder: Path, biped: mujoco.MjModel, biped_clip: MakeClip, caplog: pytest.LogCaptureFixture
) -> None:
    jump = biped_clip(frames=26, fps=50.0)
    root_pos = jump.root_pos.copy()
    root_pos[13:, 0] += 1.0
    write_npz(dataclasses.replace(jump, root_pos=root_pos), folder / "b.npz")
    for _ in range(2):
        caplog.clear()
        _load(folder, biped)
        (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert re.search(
            r"clips ha.* problems; worst: b \(the root jumps by 1.* between frames 12 and 13", warning
        )
