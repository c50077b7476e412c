"""Networks that see the ground: the height map inside the flat observation vector gets an encoder of its own.

Each is an ``nn.Module`` from normalised observations (B, D) to outputs (B, A), in the place of a model's ``mlp``. Which
columns hold the map follows from the names of the observation terms.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rsl_rl.modules import CNN, MLP
from torch import Tensor, nn

from legged_gym.rl.rl_config import PolicyCfg
from legged_gym.utils.errors import ConfigError

logger = logging.getLogger(__name__)

HISTORY_PREFIX = "history_"
CNN_CHANNELS = (16, 32)
CNN_KERNEL, CNN_STRIDE = 3, 2
CNN_SMALLEST = 7
"""Fewest rows and columns that leave the second convolution a full window: (7 - 3) / 2 + 1 = 3."""

Terms = Sequence[Mapping[str, Any]]
"""The terms of an observation group in order, each with "name", "start" and "stop"."""


class GatedMapMLP(nn.Module):
    """A blind MLP whose first hidden layer a linear view of the map is added to, behind a gate that starts at zero.

    first hidden layer = activation(W x + b + gate * (M map + m)), with one gate for each hidden unit. While the gate
    is zero the map changes nothing, so the weights of a blind policy act as they did.
    """

    def __init__(self, blind: MLP, rest: Sequence[tuple[int, int]], maps: Sequence[tuple[int, int]]) -> None:
        """Take the layers of a blind MLP.

        Args:
            blind: From everything but the map, (B, D - M), to outputs (B, A).
            rest: Where everything but the map stands: start and stop of each stretch.
            maps: Where the map stands.
        """
        super().__init__()
        self.rest_spans, self.map_spans = list(rest), list(maps)
        self.first, self.later = blind[0], later_layers(blind)
        self.map = nn.Linear(_width(maps), self.first.out_features)
        self.gate = nn.Parameter(torch.zeros(self.first.out_features))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (B, A) for normalised observations (B, D)."""
        hidden = self.first(_take(x, self.rest_spans))
        seen = self.map(_take(x, self.map_spans))
        return self.later(hidden + self.gate.to(seen.dtype) * seen)


class CnnMapMLP(nn.Module):
    """Convolutions turn the map into features, which join everything else at the input of an MLP."""

    def __init__(
        self,
        cnn: CNN,
        head: MLP,
        rest: Sequence[tuple[int, int]],
        maps: Sequence[tuple[int, int]],
        shape: tuple[int, int],
    ) -> None:
        """Put the parts together.

        Args:
            cnn: From maps (B, C, ny, nx) to features (B, F).
            head: From everything but the map and the features, (B, D - M + F), to outputs (B, A).
            rest: Where everything but the map stands: start and stop of each stretch.
            maps: Where the map's C channels of ny * nx points stand, x fastest.
            shape: (ny, nx)
        """
        super().__init__()
        self.rest_spans, self.map_spans = list(rest), list(maps)
        self.shape = (_width(maps) // (shape[0] * shape[1]), shape[0], shape[1])
        self.cnn, self.first, self.later = cnn, head[0], later_layers(head)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (B, A) for normalised observations (B, D)."""
        maps = _take(x, self.map_spans).reshape(-1, self.shape[0], self.shape[1], self.shape[2])
        return self.later(self.first(torch.cat([_take(x, self.rest_spans), self.cnn(maps)], dim=-1)))


def with_map_encoder(mlp: MLP, cfg: PolicyCfg, group: str, terms: Terms | None) -> nn.Module:
    """Give a network the configured map encoder.

    Args:
        mlp: A fresh MLP on all observations; returned as it is where there is nothing to encode.
        cfg: ``map_encoder``, ``map_terms``, ``map_shape`` and the MLP's options.
        group: "actor" or "critic", for messages.
        terms: What the network sees; None where the env names no terms.

    Raises:
        ConfigError: The observations hold a map that this encoder cannot take.
    """
    names = map_terms_of(terms, cfg, group)
    if cfg.map_encoder == "flat":
        return mlp
    if not names:
        logger.info(
            "train.policy.map_encoder=%s changes nothing for the %s: it sees none of map_terms (%s)",
            cfg.map_encoder, group, ", ".join(cfg.map_terms),
        )  # fmt: skip
        return mlp
    maps = [(term["start"], term["stop"]) for term in terms if term["name"] in names]
    rest = [(term["start"], term["stop"]) for term in terms if term["name"] not in names]
    if not rest:
        raise ConfigError(
            f"the {group} sees nothing but the map ({', '.join(names)}); it needs other terms too"
        )
    maps, rest = _joined(maps), _joined(rest)
    hidden, num_outputs = getattr(cfg, f"{group}_hidden_dims"), mlp[-1].out_features
    if cfg.map_encoder == "gated":
        return GatedMapMLP(MLP(_width(rest), num_outputs, hidden, cfg.activation), rest, maps)
    cnn = _map_cnn(cfg, group, [term for term in terms if term["name"] in names])
    head = MLP(_width(rest) + int(cnn.output_dim), num_outputs, hidden, cfg.activation)
    return CnnMapMLP(cnn, head, rest, maps, tuple(cfg.map_shape))


def map_terms_of(terms: Terms | None, cfg: PolicyCfg, group: str) -> list[str]:
    """Names of the terms that a network's map encoder reads, in the order of the observations; [] = it has none.

    Raises:
        ConfigError: The observations hold a history of a map, which no encoder takes.
    """
    if cfg.map_encoder == "flat":
        return []
    stacked = {name if name.startswith(HISTORY_PREFIX) else HISTORY_PREFIX + name for name in cfg.map_terms}
    names = [term["name"] for term in terms or ()]
    found = [name for name in [*names, *cfg.map_terms] if name in stacked]
    if found:
        raise ConfigError(
            f"train.policy.map_encoder={cfg.map_encoder} takes the present map only, not {found[0]} ({group} "
            f"observations); use {found[0].removeprefix(HISTORY_PREFIX)}, or map_encoder=flat"
        )
    return [name for name in names if name in cfg.map_terms]


def first_layer(mlp: nn.Module) -> nn.Linear:
    """The linear layer that everything but the map enters."""
    return mlp[0] if isinstance(mlp, MLP) else mlp.first


def later_layers(mlp: nn.Module) -> nn.Sequential:
    """Everything behind the first linear layer."""
    return nn.Sequential(*list(mlp)[1:]) if isinstance(mlp, MLP) else mlp.later


def _map_cnn(cfg: PolicyCfg, group: str, maps: Terms) -> CNN:
    """Convolutions for maps of the configured shape, one channel for each term."""
    rows, columns = cfg.map_shape
    if min(rows, columns) < CNN_SMALLEST:
        raise ConfigError(
            f"train.policy.map_shape is {rows} x {columns}; map_encoder=cnn needs {CNN_SMALLEST} x {CNN_SMALLEST} "
            "points or more"
        )
    for term in maps:
        width = term["stop"] - term["start"]
        if width != rows * columns:
            raise ConfigError(
                f"train.policy.map_shape is {rows} x {columns} = {rows * columns} points, but {group} observation "
                f"{term['name']} has {width}; give its rows (y) and columns (x)"
            )
    shape = (int(rows), int(columns))
    return CNN(shape, len(maps), CNN_CHANNELS, CNN_KERNEL, CNN_STRIDE, activation=cfg.activation)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same columns in as few stretches as possible, so that a single one is a view and no copy."""
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and joined[-1][1] == start:
            start = joined.pop()[0]
        joined.append((start, stop))
    return joined


def _width(spans: Sequence[tuple[int, int]]) -> int:
    return sum(stop - start for start, stop in spans)


def _take(x: Tensor, spans: list[tuple[int, int]]) -> Tensor:
    """The columns in some stretches, side by side. (B, D) -> (B, width)"""
    if len(spans) == 1:
        return x[:, spans[0][0] : spans[0][1]]
    return torch.cat([x[:, span[0] : span[1]] for span in spans], dim=-1)
