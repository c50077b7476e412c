"""The toy env of a point with named observation terms to choose from, one of them a height map."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from tensordict import TensorDict

from tests.rl.toy_env import Layout, PointEnv

WIDTHS = {"position": 2, "one": 1, "time": 1, "terrain_height": 121, "history_terrain_height": 242}
BLIND = ("position", "one", "time")
SEEING = ("position", "terrain_height", "one", "time")
"""The map stands in the middle, so that whoever takes the last columns for it is wrong."""


class MapEnv(PointEnv):
    """Actor and critic see the given terms."""

    def __init__(self, terms: tuple[str, ...] = SEEING, num_envs: int = 16) -> None:
        """Take the terms in order."""
        self.terms = terms
        super().__init__(num_envs)

    def get_observations(self) -> TensorDict:
        """Return the terms end to end; the ground lies 0.8 m +- 0.1 below."""
        ones = torch.ones(self.num_envs, 1)
        ground = 0.8 + 0.1 * torch.randn(self.num_envs, 242, generator=self.generator)
        return arranged(
            self.terms,
            {
                "position": self.position,
                "one": ones,
                "time": self.episode_length_buf.unsqueeze(1) / self.max_episode_length,
                "terrain_height": ground[:, :121],
                "history_terrain_height": ground,
            },
        )

    def observation_layout(self) -> dict[str, Layout]:
        """Describe the observations."""
        return layout(self.terms)


def layout(terms: tuple[str, ...]) -> dict[str, Layout]:
    """The layout of both groups."""
    return dict.fromkeys(("actor", "critic"), Layout(**{name: WIDTHS[name] for name in terms}))


def plain_layout(terms: tuple[str, ...]) -> dict[str, list[dict]]:
    """The same as checkpoints hold it."""
    return {group: terms.to_dict() for group, terms in layout(terms).items()}


def arranged(terms: tuple[str, ...], values: Mapping[str, torch.Tensor]) -> TensorDict:
    """Observations of both groups from the values of terms by name."""
    flat = torch.cat([values[name] for name in terms], dim=1)
    return TensorDict({"actor": flat, "critic": flat.clone()}, batch_size=[len(flat)])


def random_values(n: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """What n robots might see, by term."""
    generator = torch.Generator().manual_seed(seed)
    values = {name: torch.randn(n, width, generator=generator) for name, width in WIDTHS.items()}
    return {name: 0.8 + 0.1 * value if "height" in name else value for name, value in values.items()}
