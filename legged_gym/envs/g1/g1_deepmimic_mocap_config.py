"""The G1 on a library of motion-capture clips on flat ground."""

from __future__ import annotations

from dataclasses import dataclass, field

from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.envs.g1.g1_deepmimic_config import (
    G1DeepMimicCfg,
    G1DeepMimicMotionCfg,
    G1DeepMimicTrainCfg,
)
from legged_gym.rl.rl_config import RunnerCfg


@dataclass
class G1MocapMotionCfg(G1DeepMimicMotionCfg):
    """A library of clips without terrain."""

    amass_replay_data_path: list[str] = field(default_factory=lambda: ["g1/*.npz"])
    """Clips: files, globs, folders, YAML lists; all of them on flat ground."""


@dataclass
class G1DeepMimicMocapCfg(G1DeepMimicCfg):
    """One policy for many clips."""

    deepmimic: DeepMimicCfg = field(default_factory=G1MocapMotionCfg)
    """Reference motion."""


@dataclass
class G1DeepMimicMocapTrainCfg(G1DeepMimicTrainCfg):
    """Learning settings for a library."""

    runner: RunnerCfg = field(default_factory=lambda: RunnerCfg(max_iterations=6000))
    """Length, saving and logging of a run: 24.6 M samples, 35 to 50 minutes on two cores."""
