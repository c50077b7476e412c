"""The errors this package raises for what a user can mend.

Every message names the file, field or value at fault and what would be right. Scripts print them as one line and
exit with status 2; anything else that escapes is a defect of ours and keeps its traceback.
"""

from __future__ import annotations


class LeggedGymError(Exception):
    """Root of all errors that a user of the package can cause and mend."""


class ConfigError(LeggedGymError):
    """A configuration field, flag or task name is unknown or has a value it cannot take."""


class MotionError(LeggedGymError):
    """A motion clip is missing, malformed or does not fit the robot."""


class TerrainError(LeggedGymError):
    """A terrain mesh is missing, no ground to stand on, or does not lie under its clip."""


class RobotError(LeggedGymError):
    """A robot model is missing or a joint, body or pattern does not exist in it."""


class RunError(LeggedGymError):
    """A run folder, checkpoint or bundle is missing, incomplete or belongs to something else."""


class DependencyError(LeggedGymError):
    """An optional package is not installed; the message names the extra that brings it."""


class TransportError(LeggedGymError):
    """The robot's bus cannot be joined, somebody on it does not answer, or a message may not be sent."""
