"""Configuration of the terrain. Plain dataclasses; no heavy import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class TerrainNoiseCfg:
    """Waves added to every terrain that is not flat, other ones on each of its copies; it becomes a height field."""

    amplitude: float = 0.0
    """Largest height added or taken away, m; 0 = none."""
    base_frequency: float = 0.5
    """Frequency of the longest waves, cycles per m."""
    octaves: int = 3
    """Number of frequencies, each twice the one before."""
    persistence: float = 0.5
    """Height of each octave relative to the one before."""
    random_z_scaling_enable: bool = False
    """Also make each copy steeper or flatter: its heights are multiplied by a random number."""
    random_z_scaling_scale: float = 0.1
    """That number is within 1 +- this."""


@dataclass
class TerrainCfg:
    """How the ground of clips becomes collision geometry, and where it is put."""

    collision: Literal["auto", "heightfield", "boxes", "mesh"] = "auto"
    """What meshes become: boxes where they are made of boxes, the mesh itself where small and steep, heightfield."""
    cast_mesh_to_heightfield: bool = False
    """Make every mesh a height field, whatever `collision` says."""
    horizontal_scale: float | None = None
    """Cells of height fields and height scans, m; None = 4 to 8 cm, chosen by the error against the mesh."""
    n_rows: int = 1
    """Copies of every terrain that is not flat; each has noise of its own."""
    apron: float = 1.0
    """Level ground around every terrain, m, so that nobody walks onto a neighbour."""
    terrain_noise: TerrainNoiseCfg = field(default_factory=TerrainNoiseCfg)
    """Waves added to the terrain."""
    static_friction: float | None = None
    """Friction of the ground, which then decides over the robot's; None = the robot's decides."""
    dynamic_friction: float | None = None
    """MuJoCo has one coefficient for resting and sliding, so this must be None or equal to static_friction."""
    cache: bool = True
    """Keep finished terrains in ~/.cache/videomimic_gym, so that the next start is quick."""
