"""Starts training from a policy that saw other observations: every column is matched by the name of its term.

A term that only the env has gets weights of zero, one that only the checkpoint has is left out, so that a policy which
gains terms acts at first exactly as it did. Map encoders are matched too: a map that entered linearly (``flat``,
``gated``) is carried over between the two; the convolutions of ``cnn`` only to another ``cnn`` on the same terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from rsl_rl.models import MLPModel
from tensordict import TensorDict
from torch import Tensor

from legged_gym.rl.checkpoint import Layout, layout_differences, plain, terms_by_name
from legged_gym.rl.map_networks import (
    CnnMapMLP,
    GatedMapMLP,
    Terms,
    first_layer,
    later_layers,
    map_terms_of,
)
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.ppo import PPO
from legged_gym.rl.rl_config import PolicyCfg
from legged_gym.utils.config import from_dict
from legged_gym.utils.errors import RunError

SAME = ("actor_hidden_dims", "critic_hidden_dims", "activation", "obs_normalization")
"""What networks must share for weights to pass from one to the other."""


@dataclass(frozen=True)
class _Net:
    """A network, and what it sees by name."""

    model: MLPModel
    terms: Terms
    maps: list[str]
    """Terms that the map encoder reads."""

    @property
    def columns(self) -> dict[str, slice]:
        """Where each term stands in the observations."""
        return {term["name"]: slice(term["start"], term["stop"]) for term in self.terms}

    @property
    def direct(self) -> dict[str, slice]:
        """Where the terms that enter the first layer stand in its input."""
        return _packed([term for term in self.terms if term["name"] not in self.maps])

    @property
    def map_columns(self) -> dict[str, slice]:
        """Where the terms of the map stand in the map encoder's input."""
        return _packed([term for term in self.terms if term["name"] in self.maps])


def needs_warm_start(content: Mapping[str, Any], cfg: PolicyCfg, layout: Layout | None) -> bool:
    """Return whether a checkpoint saw other observations, or the map through another encoder."""
    theirs = content["observation_layout"]
    if theirs is None or layout is None:
        return False
    return bool(layout_differences(theirs, layout)) or _encoder(policy_cfg_of(content)) != _encoder(cfg)


def policy_cfg_of(content: Mapping[str, Any]) -> PolicyCfg:
    """Return the configuration of a checkpoint's networks; options younger than it have their defaults."""
    return from_dict(content["config"].get("train", {}).get("policy", {}), PolicyCfg, "checkpoint")


def warm_start(
    alg: PPO, content: Mapping[str, Any], cfg: PolicyCfg, layout: Layout, obs: TensorDict
) -> list[str]:
    """Take over what fits of the networks in a checkpoint.

    Optimisers, learning rate, the schedule of ``desired_kl`` and the averaging of the policy stay as they are: new.

    Args:
        alg: Its networks are changed in place.
        content: The checkpoint, of the same robot.
        cfg: Options of the algorithm's networks.
        layout: The env's observation layout.
        obs: Present observations of the env; terms that the checkpoint lacks are normalised by them at first.

    Returns:
        What became of every term, one line each.

    Raises:
        RunError: The hidden layers differ, or a network shares no term with the checkpoint's.
    """
    theirs = policy_cfg_of(content)
    _check_same(theirs, cfg)
    old = content["observation_layout"]
    for group in layout:
        if not _shared(old.get(group, ()), layout[group]):
            raise RunError(
                f"the checkpoint's {group} shares no observation with this env's: nothing to go on from"
            )
    zeros = {group: torch.zeros(1, terms[-1]["stop"]) for group, terms in old.items()}
    networks = build_actor_critic(TensorDict(zeros, batch_size=[1]), len(alg.action_std), theirs, old)
    lines: list[str] = []
    for group, model, targets in zip(
        ("actor", "critic"),
        networks,
        ({"policy": alg.average_actor, "actor": alg.actor}, {"critic": alg.critic}),
        strict=True,
    ):
        source = _Net(model.to(alg.device), old[group], map_terms_of(old[group], theirs, group))
        maps = map_terms_of(layout[group], cfg, group)
        for key, target in targets.items():
            model.load_state_dict(content[f"{key}_state_dict"])
            found = _transfer(source, _Net(target, layout[group], maps), obs[group])
        lines += [f"{group:6}  {name:24} {width:5d}  {what}" for name, width, what in found]
    return lines


def _check_same(theirs: PolicyCfg, ours: PolicyCfg) -> None:
    """Refuse networks between which weights cannot pass."""
    for name in SAME:
        value = plain(getattr(theirs, name))
        if value != plain(getattr(ours, name)):
            shown = str(value).replace(" ", "")
            raise RunError(
                f"the checkpoint's networks have {name}={shown}, not {plain(getattr(ours, name))}; "
                f"use --train.policy.{name}={shown}"
            )


@torch.no_grad()
def _transfer(source: _Net, target: _Net, obs: Tensor) -> list[tuple[str, int, str]]:
    """Copy what fits from one network into another; ``obs`` are present observations of the target, (N, D).

    Returns:
        Name, width and fate of every term.
    """
    shared = _shared(source.terms, target.terms)
    same_cnn = (
        isinstance(source.model.mlp, CnnMapMLP)
        and isinstance(target.model.mlp, CnnMapMLP)
        and source.maps == target.maps
        and set(target.maps) <= set(shared)
    )
    weights, bias = _linear_part(source)
    weights = {name: value for name, value in weights.items() if name in shared}
    _set_linear_part(target, weights, bias)
    if isinstance(target.model.mlp, CnnMapMLP):
        _set_features(source if same_cnn else None, target)
    later_layers(target.model.mlp).load_state_dict(later_layers(source.model.mlp).state_dict())
    if target.model.distribution is not None:
        target.model.distribution.load_state_dict(source.model.distribution.state_dict())
    if target.model.obs_normalization:
        _set_statistics(source, target, shared, obs)
    carried = set(weights) - (set(target.maps) if isinstance(target.model.mlp, CnnMapMLP) else set())
    carried |= set(target.maps) if same_cnn else set()
    theirs, ours = terms_by_name(source.terms), terms_by_name(target.terms)
    return _report(theirs, ours, shared, carried, target.maps)


def _shared(theirs: Terms, ours: Terms) -> list[str]:
    """Names of the terms that are the same in both."""
    old = terms_by_name(theirs)
    return [name for name, term in terms_by_name(ours).items() if old.get(name) == term]


def _linear_part(net: _Net) -> tuple[dict[str, Tensor], Tensor]:
    """Weights (H, width) with which each term enters the first hidden layer, as far as linearly, and bias (H,)."""
    mlp = net.model.mlp
    first = first_layer(mlp)
    weights, bias = {name: first.weight[:, place] for name, place in net.direct.items()}, first.bias
    if isinstance(mlp, GatedMapMLP):
        gated = mlp.gate.unsqueeze(1) * mlp.map.weight
        weights |= {name: gated[:, place] for name, place in net.map_columns.items()}
        bias = bias + mlp.gate * mlp.map.bias
    return weights, bias


def _set_linear_part(net: _Net, weights: Mapping[str, Tensor], bias: Tensor) -> None:
    """Make terms enter the first hidden layer with the given weights, and all others not at all."""
    mlp = net.model.mlp
    first = first_layer(mlp)
    first.bias.copy_(bias)
    for name, place in net.direct.items():
        first.weight[:, place] = weights.get(name, 0.0)
    if isinstance(mlp, GatedMapMLP) and set(net.maps) & set(weights):
        mlp.gate.fill_(1.0)
        mlp.map.bias.zero_()
        for name, place in net.map_columns.items():
            mlp.map.weight[:, place] = weights.get(name, 0.0)


def _set_features(source: _Net | None, target: _Net) -> None:
    """Take over convolutions and the weights of their features; without a source these weigh nothing at first."""
    features = slice(max(place.stop for place in target.direct.values()), None)
    weight = first_layer(target.model.mlp).weight
    if source is None:
        weight[:, features] = 0.0
        return
    target.model.mlp.cnn.load_state_dict(source.model.mlp.cnn.state_dict())
    theirs = slice(max(place.stop for place in source.direct.values()), None)
    weight[:, features] = first_layer(source.model.mlp).weight[:, theirs]


def _set_statistics(source: _Net, target: _Net, shared: list[str], obs: Tensor) -> None:
    """Take over the normaliser's columns of shared terms; the others start with the present observations."""
    old, new = source.model.obs_normalizer, target.model.obs_normalizer
    new._mean.copy_(obs.mean(0))
    new._var.copy_(obs.var(0, unbiased=False))
    new._std.copy_(new._var.sqrt())
    new.count.fill_(len(obs))
    for name in shared:
        ours, theirs = target.columns[name], source.columns[name]
        for key in (
            "_mean",
            "_var",
            "_std",
            "count",
        ):  # an averaged policy's _std is not the root of its _var
            getattr(new, key)[:, ours] = getattr(old, key)[:, theirs]


def _report(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], shared: list[str], carried: set[str], maps: list[str]
) -> list[tuple[str, int, str]]:
    """Name, width and fate of every term."""
    rows = []
    for name, term in ours.items():
        if name in carried:
            what = "loaded"
        elif name in shared:
            what = "not loaded: the checkpoint's map encoder has no counterpart here; no effect at first"
        elif name in theirs:
            what = f"not loaded: {_unlike(theirs[name], term)}; no effect at first"
        else:
            what = (
                "new: " + ("enters through the map encoder, " if name in maps else "") + "no effect at first"
            )
        rows.append((name, term["width"], what))
    rows += [
        (name, term["width"], "dropped: the env has no such term")
        for name, term in theirs.items()
        if name not in ours
    ]
    return rows


def _unlike(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    keys = [key for key in dict.fromkeys([*theirs, *ours]) if theirs.get(key) != ours.get(key)]
    return ", ".join(f"{key} {theirs.get(key)} in the checkpoint" for key in keys)


def _encoder(cfg: PolicyCfg) -> tuple[Any, ...]:
    """What decides how the map enters."""
    if cfg.map_encoder == "flat":
        return ("flat",)
    return cfg.map_encoder, *cfg.map_terms, *(cfg.map_shape if cfg.map_encoder == "cnn" else ())


def _packed(terms: Terms) -> dict[str, slice]:
    """Where terms stand when they are laid end to end."""
    places, start = {}, 0
    for term in terms:
        stop = start + term["stop"] - term["start"]
        places[term["name"]] = slice(start, stop)
        start = stop
    return places
