"""Configuration of what actions mean. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from legged_gym.envs.base.domain_rand_config import DomainRandCfg
from legged_gym.sim.sim_config import ActuatorCfg, Servo
from legged_gym.utils.errors import ConfigError

ActionType = Literal["P", "residual", "DIRECT", "V", "T"]
SERVOS: dict[ActionType, Servo] = {"V": "velocity", "T": "torque"}
"""What servos are told where it is not an angle."""
MISSING_GAINS = {
    "V": ("p_gain_rand",),
    "T": ("p_gain_rand", "d_gain_rand", "randomize_gains"),
}
"""Switches of domain_rand that scale a gain which servos of a type do not have."""


@dataclass
class ControlCfg(ActuatorCfg):
    """From policy output to the targets of the joints' servos."""

    control_type: Literal["P", "residual", "DEEPMIMIC_DELTA", "DIRECT", "V", "T"] = "residual"
    """Angles about the default pose (P) or reference (residual, DEEPMIMIC_DELTA), angles, speeds (V), torques (T)."""
    feed_forward: Literal["none", "pd", "inverse_dynamics"] = "none"
    """Added to the target. pd: kd/kp * reference velocity; inverse_dynamics: that and the clip's torque / kp."""
    decimation: int = 2
    """Physics substeps per policy step; control period = decimation * sim.dt."""
    beta: float = 1.0
    """Weight of the newest action in the moving average over actions; 1 = no smoothing."""

    @property
    def action_type(self) -> ActionType:
        """``control_type`` by the one name that each has."""
        return "residual" if self.control_type == "DEEPMIMIC_DELTA" else self.control_type

    @property
    def servo(self) -> Servo:
        """See :attr:`ActuatorCfg.servo`."""
        return SERVOS.get(self.action_type, "position")

    @property
    def plain_action_scale(self) -> float | None:
        """See :attr:`ActuatorCfg.plain_action_scale`: a direct action is an angle in rad."""
        return 1.0 if self.action_type == "DIRECT" else None

    def check(self, follows_reference: bool, domain_rand: DomainRandCfg) -> None:
        """Refuse what cannot be, or not together.

        Args:
            follows_reference: Whether the task has a reference motion.
            domain_rand: The task's domain randomisation.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        kind, typed = self.action_type, self.control_type
        if not 0.0 < self.beta <= 1.0:
            raise ConfigError(f"control.beta is {self.beta}; it must be above 0 and at most 1")
        if self.decimation < 1:
            raise ConfigError(f"control.decimation is {self.decimation}; it must be 1 or more")
        if kind == "residual" and not follows_reference:
            raise ConfigError(
                f"control.control_type is {typed}, but this task has no reference; P, DIRECT, V or T is right"
            )
        if self.feed_forward != "none":
            if not follows_reference:
                raise ConfigError(
                    f"control.feed_forward is {self.feed_forward}, but this task has no reference; none is right"
                )
            if kind not in ("P", "residual"):
                raise ConfigError(
                    f"control.feed_forward is {self.feed_forward}; with control.control_type {typed} it must be none"
                )
        for switch in MISSING_GAINS.get(kind, ()):
            if getattr(domain_rand, switch, False):
                raise ConfigError(
                    f"domain_rand.{switch} is on, but servos of control.control_type {typed} lack that gain; "
                    "switch it off, or use control_type P or residual"
                )
