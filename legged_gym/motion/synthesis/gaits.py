"""The clips that ship in `retargeted_data/`, by name. A new gait is a new entry."""

from __future__ import annotations

from legged_gym.motion.synthesis.footsteps import Stance, Walk, stand, walk_footsteps
from legged_gym.motion.synthesis.synthesize import Gait

GAITS: dict[str, Gait] = {
    "stand": Gait(stand(4.0, Stance())),
    "walk_forward": Gait(walk_footsteps(Walk(advance=(0.40, 0.0, 0.0), num_steps=8))),
}
