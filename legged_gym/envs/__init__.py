"""The tasks. Importing this registers them; nothing heavy is imported until one is built."""

from __future__ import annotations

from legged_gym.envs.g1.g1_deepmimic_config import G1DeepMimicCfg, G1DeepMimicTrainCfg
from legged_gym.envs.g1.g1_deepmimic_mocap_config import G1DeepMimicMocapCfg, G1DeepMimicMocapTrainCfg
from legged_gym.envs.g1.presets import videomimic
from legged_gym.utils.config import TaskCfg
from legged_gym.utils.task_registry import TaskSpec, register

register(
    TaskSpec(
        name="g1_deepmimic",
        description="G1 (23 joints, wrists fixed) follows recorded motions",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicCfg(), train=G1DeepMimicTrainCfg()),
        presets={"videomimic": videomimic},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_mocap",
        description="G1 (23 joints, wrists fixed): one policy for a library of clips on flat ground",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicMocapCfg(), train=G1DeepMimicMocapTrainCfg()),
        presets={"videomimic": videomimic},
    )
)
