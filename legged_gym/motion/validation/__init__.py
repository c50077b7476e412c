"""Is a clip fit for a robot? Checks of joints, root, feet, body, forces and frame rate, and reports on them."""

from legged_gym.motion.validation.checks import quick_findings, validate
from legged_gym.motion.validation.findings import Finding, Report, summary_line, worst_clips
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import DEFAULT, STRICT, ValidationOptions

__all__ = [
    "DEFAULT",
    "STRICT",
    "CheckedMotion",
    "Finding",
    "Report",
    "ValidationOptions",
    "quick_findings",
    "summary_line",
    "validate",
    "worst_clips",
]
