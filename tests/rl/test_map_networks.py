"""Map encoders: what they compute, which columns they take for the map, and what they refuse."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from rsl_rl.modules import MLP
from tensordict import TensorDict
from torch.nn import functional

from legged_gym.rl.map_networks import CnnMapMLP, GatedMapMLP
from legged_gym.rl.networks import Normalizer, build_actor_critic
from legged_gym.rl.rl_config import PolicyCfg, PPOCfg, RunnerCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.utils.errors import ConfigError
from tests.rl.map_env import BLIND, SEEING, MapEnv, arranged, plain_layout, random_values

SMALL = {"actor_hidden_dims": (16, 8), "critic_hidden_dims": (16,)}


def build(encoder: str, terms: tuple[str, ...] = SEEING, **options: Any) -> Any:
    """Actor and critic with two actions."""
    torch.manual_seed(0)
    cfg = PolicyCfg(**SMALL | {"map_encoder": encoder} | options)
    return build_actor_critic(arranged(terms, random_values(1)), 2, cfg, plain_layout(terms))


def split(terms: tuple[str, ...] = SEEING) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Observations (5, D), the map in them (5, 121), and everything else."""
    values = random_values(5)
    blind = tuple(name for name in terms if name != "terrain_height")
    return arranged(terms, values)["actor"], values["terrain_height"], arranged(blind, values)["actor"]


@pytest.mark.parametrize("terms", [SEEING, ("terrain_height", *BLIND), (*BLIND, "terrain_height")])
def test_a_gated_network_is_blind_until_its_gate_opens(terms: tuple[str, ...]) -> None:
    actor, critic = build("gated", terms)
    x, ground, rest = split(terms)
    for mlp in (actor.mlp, critic.mlp):
        assert isinstance(mlp, GatedMapMLP)
        torch.testing.assert_close(mlp(x), mlp.later(mlp.first(rest)), rtol=0, atol=0)
        with torch.no_grad():
            mlp.gate.copy_(torch.linspace(-1, 1, 16))
        by_hand = mlp.first(rest) + mlp.gate * (ground @ mlp.map.weight.T + mlp.map.bias)
        torch.testing.assert_close(mlp(x), mlp.later(by_hand))


def test_convolutions_see_the_map_with_x_along_its_rows() -> None:
    actor, _ = build("cnn")
    assert isinstance(actor.mlp, CnnMapMLP)
    x, ground, rest = split()
    first, second = (actor.mlp.cnn[i] for i in (0, 2))
    # elu(conv) twice on [y, x]: 11 -> 5 -> 2 rows, then everything else before the features.
    seen = functional.elu(functional.conv2d(ground.view(5, 1, 11, 11), first.weight, first.bias, stride=2))
    seen = functional.elu(functional.conv2d(seen, second.weight, second.bias, stride=2))
    assert seen.shape == (5, 32, 2, 2)
    expected = actor.mlp.later(actor.mlp.first(torch.cat((rest, seen.flatten(1)), dim=1)))
    torch.testing.assert_close(actor.mlp(x), expected)


def test_two_maps_are_two_channels() -> None:
    terms = [{"name": name, "start": start, "stop": start + width} for name, start, width in (
        ("terrain_height_noisy", 0, 121), ("position", 121, 2), ("terrain_height", 123, 121),
    )]  # fmt: skip
    obs = TensorDict({"actor": torch.zeros(1, 244), "critic": torch.zeros(1, 244)}, batch_size=[1])
    cfg = PolicyCfg(map_encoder="cnn")
    actor, _ = build_actor_critic(obs, 2, cfg, {"actor": terms, "critic": terms})
    assert actor.mlp.cnn[0].weight.shape == (16, 2, 3, 3)
    assert actor(obs).shape == (1, 2)


@pytest.mark.parametrize(("size", "expected"), [(415, 443_159), (390, 430_359)])
def test_a_gated_actor_of_the_originals_sizes_has_the_originals_parameters(size: int, expected: int) -> None:
    # The original counts 443 k and 430 k: 380 183 (367 383) blind, 512 x (121 + 1) for the map and 512 gates.
    terms = [
        {"name": "all", "start": 0, "stop": size},
        {"name": "terrain_height", "start": size, "stop": size + 121},
    ]
    obs = TensorDict(dict.fromkeys(("actor", "critic"), torch.zeros(1, size + 121)), batch_size=[1])
    cfg = PolicyCfg(actor_hidden_dims=(512, 256, 128), map_encoder="gated")
    actor, _ = build_actor_critic(obs, 23, cfg, {"actor": terms, "critic": terms})
    assert sum(parameter.numel() for parameter in actor.mlp.parameters()) == expected


def test_where_there_is_no_map_the_network_is_plain_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "legged_gym"):
        actor, critic = build("gated", BLIND)
    assert type(actor.mlp) is type(critic.mlp) is MLP
    assert "map_encoder=gated changes nothing for the critic" in caplog.text
    caplog.clear()
    assert type(build("flat")[0].mlp) is MLP
    assert not caplog.records


@pytest.mark.parametrize("encoder", ["gated", "cnn"])
def test_the_history_of_a_map_is_refused(encoder: str) -> None:
    with pytest.raises(ConfigError, match=r"not history_terrain_height \(actor observations\)"):
        build(encoder, (*BLIND, "history_terrain_height"))
    with pytest.raises(ConfigError, match="use terrain_height, or map_encoder=flat"):
        build(encoder, map_terms=["history_terrain_height"])


def test_a_shape_that_is_not_the_maps_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"10 x 12 = 120 points, but actor observation terrain_height has 121"
    ):
        build("cnn", map_shape=(10, 12))
    with pytest.raises(ConfigError, match="1 x 121; map_encoder=cnn needs 7 x 7"):
        build("cnn", map_shape=(1, 121))
    with pytest.raises(ConfigError, match="nothing but the map"):
        build("gated", ("terrain_height",))


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("encoder", ["gated", "cnn"])
def test_encoders_learn(encoder: str, mixed: bool) -> None:
    cfg = TrainCfg(
        runner=RunnerCfg(num_steps_per_env=8, logger="none", num_threads=1),
        policy=PolicyCfg(**SMALL, map_encoder=encoder),
        algorithm=PPOCfg(use_mixed_precision=mixed),
    )
    runner = OnPolicyRunner(MapEnv(), cfg)
    before = {
        f"{name}.{key}": value.clone()
        for name in ("actor", "critic")
        for key, value in getattr(runner.alg, name).mlp.state_dict().items()
    }
    runner.learn(2)
    for name in ("actor", "critic"):
        for key, value in getattr(runner.alg, name).mlp.state_dict().items():
            assert not torch.equal(value, before[f"{name}.{key}"]), f"{name}.{key} has not moved"
    obs = runner.env.get_observations()
    assert runner.get_inference_policy()(obs).shape == (16, 2)


def test_a_column_that_joins_late_has_its_own_statistics() -> None:
    late, from_start = Normalizer(2), Normalizer(1)
    batches = [torch.randn(50, 2, generator=torch.Generator().manual_seed(i)) for i in range(4)]
    for batch in batches[:2]:
        late.update(batch)
    late.count[:, 1] = 0
    for batch in batches[2:]:
        late.update(batch)
        from_start.update(batch[:, 1:])
    everything = torch.cat(batches)
    torch.testing.assert_close(late.mean, torch.stack((everything[:, 0].mean(), from_start.mean[0])))
    torch.testing.assert_close(late.std[1], from_start.std[0])
    assert late.count.tolist() == [[200, 100]]


def test_a_normaliser_with_one_count_for_all_columns_still_loads() -> None:
    old = Normalizer(3).state_dict() | {"count": torch.tensor(70)}
    new = Normalizer(3)
    new.load_state_dict(old)
    assert new.count.tolist() == [[70, 70, 70]]
