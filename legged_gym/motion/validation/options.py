"""Thresholds that a project may want to move; those that follow from physics stand beside their checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ValidationOptions:
    """From where on a finding is a warning or an error. The defaults are for recorded and retargeted motion."""

    clearance_warning: float = 0.010
    """Standing feet this far inside or above the ground, m; the radius of a sole's contact sphere on the G1."""
    clearance_error: float = 0.050
    """The same, m; clips with feet 30 mm inside the ground have been learned, at the cost of some tracking."""
    contact_tolerance: float = 0.020
    """Contact of a foot or hand this far inside or above a terrain's surface, m: what a robot's legs give way to, and
    more than recordings and their meshes scatter by."""
    slide_warning: float = 0.020
    """Sliding of a foot in one stance, m; a robot that follows it must drag its weight over the floor."""
    slide_error: float = 0.200
    """The same, m: longer than a sole; whoever planted that foot stands somewhere else now."""
    joint_limit_warning: float = 0.005
    """Joint angle outside its range, rad; smaller is rounding, or a limit stated in degrees."""
    joint_limit_error: float = 0.050
    """The same, rad: 3 degrees are a wrong joint, sign or robot version."""
    self_penetration_warning: float = 0.010
    """Depth of two links in each other, m; the collision shapes are no more exact than that."""
    self_penetration_error: float = 0.050
    """The same, m: as thick as a hand or a shin, so no simplification of the shapes explains it."""


DEFAULT = ValidationOptions()
STRICT = ValidationOptions(clearance_warning=0.005, contact_tolerance=0.005, slide_warning=0.005)
"""For clips that are computed rather than recorded, such as those that ship: there is no noise to forgive."""
