"""What shows that a field of a configuration is read: a small run with everything switched on, and its fingerprint."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import torch

from legged_gym.envs.terms import known_terms
from legged_gym.motion.edit import crop, raised
from legged_gym.motion.formats import WriteOptions, read_clip, write_clip
from legged_gym.scripts._motion import load_robot
from legged_gym.utils import task_registry
from legged_gym.utils.config import TaskCfg, get_value, leaf_types, merge, nest
from legged_gym.utils.errors import LeggedGymError
from legged_gym.utils.paths import find_data

NUM_STEPS, MANY_STEPS = 10, 40
"""Length of a run, and of one whose episodes are long."""
Settings = Mapping[str, Any]
"""Dotted path below env -> value."""

EVERYTHING_ON: dict[str, Any] = {
    "env.num_envs": 4,
    "env.episode_length_s": 0.12,
    "sim.num_threads": 1,
    "asset.penalize_contacts_on": ["ankle_roll", "knee"],
    "asset.terminate_after_contacts_on": ["pelvis", "shoulder"],
    "asset.terminate_after_large_feet_contact_forces": True,
    "asset.use_alt_files": True,
    "observations.history_length": 2,
    "observations.history_lengths": {"dof_pos": 3},
    "observations.scales": {"dof_vel": 0.5},
    "observations.clips": {"dof_vel": 3.0},
    "terminations.base_height": 0.2,
    "terminations.tilt": 1.5,
    "terminations.dof_pos_limits": 0.5,
    "terminations.dof_vel_limits": 20.0,
    "curriculum.thresholds": ["tilt"],
    "curriculum.penalties": ["action_rate"],
    "curriculum.episodes_per_move": 1,
    "curriculum.success_bound": 0.1,
    "sensors.depth.enabled": True,
    "sensors.depth.width": 64,
    "sensors.depth.height": 48,
    "sensors.depth.max_delay": 1,
    "sensors.depth.rate": 25.0,
    "sensors.depth.edge_dropout_prob": 0.3,
    "sensors.depth.edge_threshold": 0.05,
    "domain_rand.control_delay_max": 2,
    "domain_rand.action_delay_max": 2,
    "domain_rand.push_interval_s": 0.1,
    "noise.init_noise_scales.dof_vel": 0.1,
}  # fmt: skip
"""Shared by all tasks. Switches of domain_rand, weights, widths of noise and observation terms are set by rule."""

OF_CLASS: dict[str, dict[str, Any]] = {
    "RobotDeepMimic": {
        "control.control_type": "residual",
        "observations.num_next_obs": 2,
        "deepmimic.amass_replay_data_path": ["g1/walk_forward.npz", "g1/squat.npz"],
        "deepmimic.end_time": 1.0,
        "deepmimic.adaptive_weight_update_interval": 2,
        "deepmimic.link_pos_error_threshold": 1.5,
        "deepmimic.init_default_frac": 0.3,
        "deepmimic.failure_bin_s": 0.1,
        "deepmimic.n_append": 2,
        "terminations.anchor_height": 1.0,
        "terminations.anchor_tilt": 1.5,
        "terminations.anchor_distance": 1.0,
        "terminations.end_effector_height": 1.0,
        "noise.playback_noise_scales.freeze_env_prob": 0.5,
        "noise.playback_noise_scales.unfreeze_env_prob": 0.5,
    },
    "RobotVelocity": {
        "commands.resampling_time": 0.08,
        "commands.standing_share": 0.3,
        "gait.period": 0.1,
    },
}

CHEAP_TERMS = ("history_dof_pos", "dof_vel")
SENSORS = ("terrain_height", "terrain_height_noisy", "root_height", "link_heights", "depth")
MESH = {
    "deepmimic.amass_replay_data_path": ["g1/walk_forward.npz", "g1/terrain/box.npz"],
    "terrain.n_rows": 2,
}
ROUGH = MESH | {
    "deepmimic.amass_terrain_difficulty": 2,
    "terrain.terrain_noise.amplitude": 0.02,
    "terrain.terrain_noise.random_z_scaling_enable": True,
}
BUMPY = {"terrain.kinds": ["rough", "waves"], "terrain.num_levels": 2} | ROUGH
"""Ground that is not flat, of walking and of tracking tasks."""
CSV = {"deepmimic.amass_replay_data_path": ["{files}/walk.csv"]}
RECORDING = {
    "deepmimic.use_human_videos": True,
    "deepmimic.use_amass": False,
    "deepmimic.human_video_folders": ["{files}/a/box"],
    "deepmimic.human_video_data_pattern": "motion.npz",
    "deepmimic.human_video_terrain_pattern": "mesh.obj",
}
TWO_RECORDINGS = RECORDING | {"deepmimic.human_video_folders": ["{files}/a/box", "{files}/b/box"]}
DRIVABLE = {
    "control.control_type": "P",
    "control.feed_forward": "none",
    "observations.actor": [*CHEAP_TERMS, "torso_xy_rel"],
}
MIXED = RECORDING | {"deepmimic.use_amass": True}
SHORT_EPISODES = {"env.episode_length_s": 0.04}

ONE_CLIP_FAILS = SHORT_EPISODES | {
    "deepmimic.clip_weighting_strategy": "success_rate_adaptive",
    "deepmimic.amass_replay_data_path": ["g1/walk_fast.npz", "g1/stand.npz"],
    "deepmimic.init_velocities": False,
    "terminations.anchor_distance": 0.02,
    "noise.init_noise_scales.root_xy": 0.0,
    "noise.playback_noise_scales.freeze_env_prob": 0.0,
}
"""Robots at rest lose the walk within two steps, but not the stand."""
LONG_EPISODES = {
    "env.episode_length_s": 1.0,
    "asset.terminate_after_large_feet_contact_forces": False,
    "asset.terminate_after_contacts_on": [],
    "terminations.dof_vel_limits": None,
    "terminations.dof_pos_limits": None,
    "deepmimic.init_default_frac": 0.0,
    "deepmimic.respawn_z_offset": 0.1,
    "deepmimic.amass_replay_data_path": ["g1/walk_fast.npz"],
    "deepmimic.start_time": 1.0,
    "deepmimic.end_time": 3.0,
    "noise.playback_noise_scales.freeze_env_prob": 0.0,
}
"""Robots hop for longer than it takes to leave the ground and come back."""
WIDE_SCAN = {"sensors.root_height.size": (0.4, 0.4)}

COMPANIONS: dict[str, Settings] = {
    "control.feed_forward": {"domain_rand.control_delays": False},
    "curriculum.*": SHORT_EPISODES | {"terminations.dof_vel_limits": 0.3},  # fails half of them
    "rewards.scales.termination": {"terminations.dof_vel_limits": 0.3},
    "rewards.scales.stand_still": {"commands.standing_share": 1.0, "commands.resampling_time": 5.0},
    "rewards.scales.stumble": LONG_EPISODES | {"domain_rand.friction_range": (20.0, 30.0)},
    "rewards.scales.dof_vel_limits": {"rewards.soft_dof_vel_limit": 0.05},
    "rewards.scales.feet_air_time": LONG_EPISODES,
    "rewards.scales.feet_max_height_for_this_air": LONG_EPISODES,
    "rewards.scales.contact_smoothness": LONG_EPISODES,
    "rewards.feet_*_target": LONG_EPISODES,
    "sensors.root_height.resolution": WIDE_SCAN | BUMPY,
    "sensors.root_height.yaw_noise_scale": WIDE_SCAN | BUMPY,
    **{
        f"sensors.{name}.update_frequency_min": {
            f"sensors.{name}.update_frequency_max": 4,
            "observations.actor": [name, *CHEAP_TERMS],
        }
        for name in SENSORS[:3]
    },
    **{f"sensors.{name}.*": BUMPY | {"observations.actor": [name, *CHEAP_TERMS]} for name in SENSORS},
    "terrain.collision": MESH,
    "terrain.cast_mesh_to_heightfield": MESH,
    "terrain.kinds": BUMPY,
    "terrain.num_levels": BUMPY,
    "terrain.curriculum": BUMPY | SHORT_EPISODES | {"terrain.promotion_error": 10.0},
    "terrain.promotion_error": BUMPY | SHORT_EPISODES,
    "terrain.size": BUMPY,
    "terrain.horizontal_scale": BUMPY,
    "terrain.apron": ROUGH,
    "terrain.n_rows": ROUGH,
    "terrain.terrain_noise.*": ROUGH,
    "deepmimic.use_amass": MIXED,
    "deepmimic.use_human_videos": MIXED,
    "deepmimic.human_video_folders": TWO_RECORDINGS,
    "deepmimic.human_motion_source": RECORDING,
    "deepmimic.human_video_*pattern": RECORDING,
    "deepmimic.human_video_oversample_factor": MIXED,
    "deepmimic.data_root": RECORDING
    | {"deepmimic.human_video_folders": ["box"], "deepmimic.data_root": "{files}/a"},
    "deepmimic.alt_data_root": RECORDING
    | {"deepmimic.human_video_folders": ["box"], "deepmimic.alt_data_root": "{files}/a"},
    "deepmimic.amass_data_root": {
        "deepmimic.amass_replay_data_path": ["box/motion.npz"],
        "deepmimic.amass_data_root": "{files}/a",
    },
    "deepmimic.end_effector_names": {"terminations.end_effector_height": 0.05},
    "deepmimic.default_data_fps": CSV,
    "deepmimic.upsample_data": CSV,
    "deepmimic.csv_root_quat_order": CSV,
    "deepmimic.default_joint_order_type": CSV | {"deepmimic.csv_root_quat_order": "xyzw"},
    "deepmimic.is_csv_joint_only": {
        "deepmimic.amass_replay_data_path": ["{files}/joints.csv"],
        "deepmimic.is_csv_joint_only": True,
    },
    "deepmimic.ground_align": {"deepmimic.amass_replay_data_path": ["{files}/raised.npz"]},
    "deepmimic.randomize_terrain_offset*": {"deepmimic.randomize_terrain_offset": True},
    "deepmimic.m*_success_rate_weight_factor": ONE_CLIP_FAILS,
    "deepmimic.joystick_share": DRIVABLE,
    "deepmimic.joystick_command_scale": DRIVABLE | {"deepmimic.joystick_share": 1.0},
    "deepmimic.joystick_clips": DRIVABLE | {"deepmimic.joystick_share": 1.0},
}
"""Pattern of a field -> what else must be set for it to matter, in the run it is compared with too."""

CHANGES: dict[str, Any] = {
    "asset.robot": "no_such_robot",
    "asset.large_feet_contact_force_threshold": 1.0,
    "asset.locked_joints": ["wrist", "waist_roll"],
    "control.control_type": "DIRECT",
    "control.feed_forward": "pd",
    "control.beta": 0.5,
    "control.action_scale": 0.3,
    "control.stiffness": {"knee": 50.0},
    "control.damping": {"knee": 9.0},
    "control.effort_limit": {"knee": 30.0},
    "observations.history_lengths": {"dof_pos": 4},
    "observations.scales": {"dof_vel": 0.7},
    "observations.clips": {"dof_vel": 0.5},
    "normalization.clip_actions": 0.5,
    "normalization.clip_observations": 0.5,
    "rewards.ankle_joints": ["ankle_pitch"],
    "rewards.base_height_target": 0.6,
    "terminations.base_height": 3.0,
    "terminations.dof_pos_limits": 0.0,
    "terminations.*": 0.001,
    "curriculum.thresholds": [],
    "curriculum.penalties": [],
    "curriculum.success_bound": 0.95,
    "curriculum.episodes_per_move": 100,
    "sensors.*.max_distance": 0.3,
    "sensors.root_height.body_name": "torso_link",
    "sensors.*.body_name": "pelvis",
    "sensors.root_height.size": (0.2, 0.2),
    "sensors.root_height.resolution": 0.2,
    "sensors.*.resolution": 0.5,
    "sensors.*.update_frequency_min": 4,
    "sensors.link_heights.link_names": ["pelvis"],
    "sensors.depth.width": 32,
    "sensors.depth.height": 24,
    "sensors.depth.downsample_factor": 4,
    "sensors.depth.intrinsic_matrix": [[40.0, 0.0, 32.0], [0.0, 40.0, 24.0], [0.0, 0.0, 1.0]],
    "sensors.depth.edge_threshold": 100.0,
    "commands.dead_band": 0.6,
    "viser.host": "0.0.0.0",
    "noise.playback_noise_scales.*": 0.95,
    "terrain.promotion_error": 10.0,
    "terrain.horizontal_scale": 0.12,
    "terrain.*_friction": 0.5,
    "deepmimic.link_pos_error_threshold": 0.001,
    "deepmimic.human_motion_source": "{files}/b/box",
    "deepmimic.human_video_data_pattern": "other.npz",
    "deepmimic.human_video_terrain_pattern": "other.obj",
    "deepmimic.*data_root": "{files}/b",
    "deepmimic.default_data_fps": 60.0,
    "deepmimic.csv_root_quat_order": "wxyz",
    "deepmimic.default_joint_order_type": "g1_isaaclab",
    "deepmimic.cut_off_import_length": 20,
    "deepmimic.truncate_rollout_length": 3,
    "deepmimic.anchor_body_name": "pelvis",
    "deepmimic.end_effector_names": ["left_wrist_yaw_link"],
    "deepmimic.max_logged_clips": 1,
    "deepmimic.joystick_clips": ["squat"],
    "deepmimic.m*_success_rate_weight_factor": 1.0,
}
"""Pattern of a field -> the value it is changed to, where the rule of :func:`another_value` would not do."""

REFUSED = (
    "asset.robot",
    "control.feed_forward",
    "sensors.*.enabled",
    "deepmimic.upsample_data",
    "deepmimic.csv_root_quat_order",
    "deepmimic.is_csv_joint_only",
)
"""Fields one value of which may be refused where the other is not: that is what they are for, or part of it."""


REFUSAL = "refused"
"""Where a fingerprint says that there was no run."""
COSTLY_TERMS = ("terrain_height", "terrain_height_noisy", "depth")
"""Left to the probes of their sensors."""


def env_class(task: str) -> type:
    return task_registry.get(task).load_env_class()


def everything_on(task: str) -> TaskCfg:
    """The task with as much as possible switched on, so that most fields matter without another."""
    cfg, kind = task_registry.get(task).make_cfg(), env_class(task)
    settings = EVERYTHING_ON | OF_CLASS[kind.__name__]
    for path, value in ((path, get_value(cfg.env, path)) for path in leaf_types(cfg.env)):
        if path in settings:
            continue
        if path.startswith("domain_rand.") and value is False:
            settings[path] = True
        elif path.startswith("rewards.scales.") and value == 0.0:
            settings[path] = -0.01
        elif fnmatch(path, "noise.*_scales.*") or fnmatch(path, "sensors.*noise_scale"):
            settings[path] = value or 0.02
    terms = [name for name in known_terms(kind.observation_modules) if name not in COSTLY_TERMS]
    settings["observations.actor"] = [*terms, "history_dof_pos", "history_torso_real"]
    settings["observations.critic"] = terms
    return TaskCfg(changed(cfg.env, settings), cfg.train)


def changed(tree: Any, settings: Settings) -> Any:
    """A copy with other values, checked for their types."""
    return merge(tree, nest(settings), "test")


def matching(table: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The entry of the first pattern that a path matches."""
    return next((value for pattern, value in table.items() if fnmatch(path, pattern)), default)


def another_value(path: str, kind: Any, value: Any) -> Any:
    """Another value that the field can have."""
    special = matching(CHANGES, path, default=another_value)
    if special is not another_value:
        return special
    if typing.get_origin(kind) is typing.Literal:
        return next(option for option in typing.get_args(kind) if option != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return 1.5 * value if value else 0.1
    if isinstance(value, tuple):
        return tuple(0.5 * item if index == 0 else 1.5 * item for index, item in enumerate(value))
    if isinstance(value, list) and len(value) > 1:
        return value[:-1]
    raise LookupError(f"say in CHANGES what {path} = {value!r} is changed to")


def located(value: Any, files: Path) -> Any:
    """The value with the folder of files made for the test put in."""
    if isinstance(value, str):
        return value.replace("{files}", str(files))
    if isinstance(value, Mapping):
        return {key: located(item, files) for key, item in value.items()}
    return [located(item, files) for item in value] if isinstance(value, list) else value


def make_files(files: Path) -> None:
    """Recordings a/box and b/box, each of a motion and a mesh with another beside it, and clips in other formats."""
    _, layout = load_robot("g1")
    box, walk = find_data("g1/terrain/box.npz")[0], read_clip(find_data("g1/walk_forward.npz")[0])
    clip, mesh = dataclasses.replace(read_clip(box), terrain=None), box.with_suffix(".obj").read_text()
    lower = mesh + "\nv 9 9 0.3\nv 9.5 9 0.3\nv 9 9.5 0.3\nf -3 -2 -1\n"
    for name, start in (("a", 0.0), ("b", 0.3)):
        folder = files / name / "box"
        folder.mkdir(parents=True)
        write_clip(crop(clip, start, None), folder / "motion.npz")
        write_clip(crop(clip, start + 0.1, None), folder / "other.npz")
        (folder / "mesh.obj").write_text(mesh)
        (folder / "other.obj").write_text(lower)
    write_clip(walk, files / "walk.csv", options=WriteOptions(robot=layout))
    rows = (files / "walk.csv").read_text().splitlines()
    (files / "joints.csv").write_text("\n".join(",".join(row.split(",")[7:]) for row in rows) + "\n")
    write_clip(raised(walk, 0.03), files / "raised.npz")


def digest(value: Any) -> str:
    """A short text that differs where values differ."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        value = value.tobytes()
    if not isinstance(value, bytes):
        value = json.dumps(
            value, default=lambda item: digest(item) if isinstance(item, torch.Tensor) else str(item)
        ).encode()
    return hashlib.sha1(value).hexdigest()[:12]


def model_bytes(model: mujoco.MjModel) -> bytes:
    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


def fingerprint(cfg: TaskCfg, task: str) -> dict[str, str]:
    """What can be seen of a short run with random actions, by where it is seen."""
    try:
        env = env_class(task)(cfg.env, seed=1)
    except LeggedGymError as error:
        return {REFUSAL: str(error)}
    seen: dict[str, list] = {
        "model": [digest(model_bytes(env.sim.model))],
        "layout": [{group: layout.to_dict() for group, layout in env.observation_layout().items()}],
        "errors": [env.observation_noise()],
        "log": [], "observations": [], "rewards": [], "dones": [], "states": [], "starts": [],
    }  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    for _ in range(MANY_STEPS if cfg.env.env.episode_length_s >= 1.0 else NUM_STEPS):
        obs, reward, done, extras = env.step(
            2.0 * torch.randn(env.num_envs, env.num_actions, generator=generator)
        )
        seen["observations"].append({name: digest(values) for name, values in obs.items()})
        seen["rewards"].append(digest(reward))
        seen["dones"].append(digest(done))
        seen["states"].append(digest(env.sim.dof_pos) + digest(env.sim.root_pos_w))
        seen["log"].append({name: float(value) for name, value in extras["log"].items()})
        seen["log"].append(env.iteration_log())
    seen["log"].append(env.tables())
    if hasattr(env, "starts"):
        seen["starts"] += [digest(env.starts.bin_probabilities()), digest(env.starts.clip_probabilities())]
        seen["starts"].append(digest(env.starts.sample(64)))
    return {name: digest(values) for name, values in seen.items()}
