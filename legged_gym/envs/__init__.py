"""The tasks. Importing this registers them; nothing heavy is imported until one is built."""

from __future__ import annotations

from legged_gym.envs.g1.g1_config import G1Cfg, G1TrainCfg
from legged_gym.envs.g1.g1_dagger_config import (
    G1BlindStudentCfg,
    G1DaggerTrainCfg,
    G1NoHistoryStudentCfg,
    G1RootHeightfieldStudentCfg,
    G1StudentTrainCfg,
)
from legged_gym.envs.g1.g1_deepmimic_config import G1DeepMimicCfg, G1DeepMimicTrainCfg
from legged_gym.envs.g1.g1_deepmimic_mocap_config import G1DeepMimicMocapCfg, G1DeepMimicMocapTrainCfg
from legged_gym.envs.g1.g1_heightfield_config import (
    G1DeepMimicHeightfieldCfg,
    G1DeepMimicRootHeightfieldCfg,
    G1GatedMapTrainCfg,
)
from legged_gym.envs.g1.presets import (
    robust,
    videomimic,
    videomimic_blind_student,
    videomimic_heightfield,
    videomimic_no_history,
    videomimic_root_heightfield,
)
from legged_gym.utils.config import TaskCfg
from legged_gym.utils.task_registry import TaskSpec, register

register(
    TaskSpec(
        name="g1_deepmimic",
        description="G1 (23 joints, wrists fixed) follows recorded motions",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicCfg(), train=G1DeepMimicTrainCfg()),
        presets={"videomimic": videomimic, "robust": robust},
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

register(
    TaskSpec(
        name="g1_deepmimic_heightfield",
        description="G1 (23 joints, wrists fixed) follows motions on terrain and sees it: a map among its observations",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicHeightfieldCfg(), train=G1DeepMimicTrainCfg()),
        presets={"videomimic": videomimic_heightfield},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_proj_heightfield",
        description="the same with the map behind a gate that starts closed, to go on from a blind policy",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicHeightfieldCfg(), train=G1GatedMapTrainCfg()),
        presets={"videomimic": videomimic_heightfield},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_root_heightfield",
        description="the same told only where the torso should be and face, not how the joints move",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1DeepMimicRootHeightfieldCfg(), train=G1GatedMapTrainCfg()),
        presets={"videomimic": videomimic_root_heightfield},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_dagger",
        description="a student of g1_deepmimic is told where the torso goes and how the upper body moves",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1BlindStudentCfg(), train=G1DaggerTrainCfg()),
        presets={"videomimic": videomimic_blind_student},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_root_heightfield_dagger",
        description="a student of the tasks with a map is told only where the torso goes",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1RootHeightfieldStudentCfg(), train=G1DaggerTrainCfg()),
        presets={"videomimic": videomimic_root_heightfield},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_root_heightfield_no_history_dagger",
        description="the student for the robot: three numbers say where to go, its map is a measured one",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1NoHistoryStudentCfg(), train=G1DaggerTrainCfg()),
        presets={"videomimic": videomimic_no_history},
    )
)

register(
    TaskSpec(
        name="g1_deepmimic_root_heightfield_no_history",
        description="the same student goes on without its teacher, by PPO",
        env_class="legged_gym.envs.base.robot_deepmimic:RobotDeepMimic",
        make_cfg=lambda: TaskCfg(env=G1NoHistoryStudentCfg(), train=G1StudentTrainCfg()),
        presets={"videomimic": videomimic_no_history},
    )
)

register(
    TaskSpec(
        name="g1",
        description="G1 (12 joints, the legs) walks at commanded velocities, on flat or made ground",
        env_class="legged_gym.envs.base.robot_velocity:RobotVelocity",
        make_cfg=lambda: TaskCfg(env=G1Cfg(), train=G1TrainCfg()),
    )
)
