"""Every option of the reference motion has its effect on the env, and none when it is off."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.motion.joint_orders import JOINT_ORDERS
from legged_gym.utils.errors import ConfigError, MotionError
from tests.envs.conftest import NUM_FRAMES


@pytest.fixture
def build(task_cfg, make_env):
    """Builds an env with some fields of env.deepmimic changed."""

    def make(**fields):
        for name, value in fields.items():
            setattr(task_cfg.env.deepmimic, name, value)
        return make_env()

    return make


def test_frozen_frames_stand_before_and_after(build):
    env = build(n_prepend=5, n_append=7)
    data = env.data
    assert data.num_frames == NUM_FRAMES + 12
    assert (data.dof_pos[:6] == data.dof_pos[0]).all() and (data.dof_pos[-8:] == data.dof_pos[-1]).all()
    assert not data.dof_vel[:5].any() and not data.root_lin_vel_w[-7:].any()
    assert data.dof_vel[7].any()


def test_another_rate_is_resampled_or_refused(build, sway_clip, tmp_path):
    clip = dataclasses.replace(read_npz(sway_clip), fps=25.0)
    write_npz(clip, tmp_path / "slow.npz")
    path = [str(tmp_path / "slow.npz")]
    assert build(amass_replay_data_path=path).data.num_frames == 2 * NUM_FRAMES - 1
    with pytest.raises(MotionError, match="has 25 frames per second and the control rate is 50"):
        build(amass_replay_data_path=path, upsample_data=False)


def test_the_default_rate_counts_for_files_without_one(build, sway_clip, tmp_path):
    _write_csv(read_npz(sway_clip), tmp_path / "sway.csv")
    fields = {"amass_replay_data_path": [str(tmp_path / "sway.csv")], "csv_root_quat_order": "wxyz"}
    assert build(**fields, default_data_fps=50.0).data.num_frames == NUM_FRAMES
    frames_at_30 = 1 + int(np.ceil((NUM_FRAMES - 1) / 30.0 * 50.0))
    assert build(**fields, default_data_fps=-1.0).data.num_frames == frames_at_30


def test_joints_without_names_follow_the_named_order(build, sway_clip, tmp_path):
    _write_csv(read_npz(sway_clip), tmp_path / "sway.csv")
    fields = {"amass_replay_data_path": [str(tmp_path / "sway.csv")], "csv_root_quat_order": "wxyz"}
    named = build(**fields, default_joint_order_type="g1").data
    breadth_first = build(**fields, default_joint_order_type="g1_isaaclab").data
    knee = named.joint_names.index(
        "left_hip_roll_joint"
    )  # the file's second joint in one order, fourth in the other
    column = JOINT_ORDERS["g1"].index("left_knee_joint")
    clip = read_npz(sway_clip)
    assert named.dof_pos[0, knee] == pytest.approx(clip.dof_pos[0, 1])
    assert breadth_first.dof_pos[0, knee] == pytest.approx(clip.dof_pos[0, column])


def test_rows_of_joints_alone_stand_upright_on_the_ground(build, sway_clip, tmp_path):
    clip = read_npz(sway_clip)
    columns = [clip.joint_names.index(name) for name in JOINT_ORDERS["g1"]]
    np.savetxt(tmp_path / "joints.csv", clip.dof_pos[:, columns], delimiter=",")
    path = [str(tmp_path / "joints.csv")]
    with pytest.raises(MotionError, match="29 columns"):
        build(amass_replay_data_path=path)
    env = build(amass_replay_data_path=path, is_csv_joint_only=True, ground_align=False)
    assert env.data.root_pos_w[:, 2].allclose(torch.tensor(env.robot.default_root_height), atol=2e-3)
    assert (env.data.root_quat_wxyz == torch.tensor([1.0, 0.0, 0.0, 0.0])).all()


def test_relative_paths_are_looked_for_in_the_data_root(build, sway_clip):
    env = build(amass_replay_data_path=["sway.npz"], amass_data_root=str(sway_clip.parent))
    assert env.data.files == [sway_clip]


def test_episodes_are_cut_off_as_time_outs(build):
    env = build(truncate_rollout_length=4, randomize_start_offset=False)
    for _ in range(3):
        _, _, done, _ = env.step(torch.zeros(4, env.num_actions))
        assert not done.any()
    _, _, done, extras = env.step(torch.zeros(4, env.num_actions))
    assert done.all() and extras["time_outs"].all()


def test_a_share_of_the_resets_is_in_the_default_pose_at_rest_and_no_other(build, task_cfg):
    task_cfg.env.noise.init_noise_scales.dof_pos = 0.0
    task_cfg.env.env.num_envs = 400
    env = build(init_default_frac=0.3)
    moved = env.reference_at(env.frame)
    default = ~env.sim.dof_vel.any(1)  # the clip itself is never at rest
    assert 0.22 < default.float().mean() < 0.38  # 0.3 +- 3.5 standard deviations
    torch.testing.assert_close(env.sim.dof_pos[default], env.default_dof_pos.expand(400, -1)[default])
    torch.testing.assert_close(env.sim.dof_pos[~default], moved.dof_pos[~default])
    torch.testing.assert_close(env.sim.dof_vel[~default], moved.dof_vel[~default])
    torch.testing.assert_close(env.sim.root_quat_wxyz.norm(dim=1), torch.ones(400))


def test_success_rates_reach_the_log_the_table_and_a_resumed_run(build, make_env):
    env = build(adaptive_weight_update_interval=1, truncate_rollout_length=3)
    for _ in range(3):
        env.step(torch.zeros(4, env.num_actions))
    assert env.iteration_log() == {"Success/mean_over_clips": 1.0, "Success/clip_sway": 1.0}
    assert env.tables() == {"clips": [{"clip": "sway", "success_rate": 1.0, "episodes": 4.0}]}
    resumed = make_env()
    resumed.load_state_dict(env.state_dict())
    assert resumed.iteration_log() == env.iteration_log()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("init_default_frac", 1.5, "must lie between 0 and 1"),
        ("uniform_start_share", -0.1, "must lie between 0 and 1"),
        ("min_success_rate_weight_factor", 4.0, "must be positive and in order"),
        ("adaptive_weight_update_interval", 0, "must be positive"),
        ("truncate_rollout_length", 0, "must be 2 or more, or -1"),
        ("n_prepend", -2, "must be 0 or more"),
    ],
)
def test_impossible_values_are_refused_by_name(field, value, message):
    with pytest.raises(ConfigError, match=rf"deepmimic\.{field} is .*{message}"):
        DeepMimicCfg(**{field: value}).check()


def _write_csv(clip: Clip, path) -> None:
    columns = [clip.joint_names.index(name) for name in JOINT_ORDERS["g1"]]
    table = np.hstack((clip.root_pos, clip.root_quat_wxyz, clip.dof_pos[:, columns]))
    np.savetxt(path, table, delimiter=",")
