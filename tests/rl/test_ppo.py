"""The lean update computes what rsl_rl's computes; the learning rate follows the KL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

import pytest
import rsl_rl.algorithms
import torch
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict

from legged_gym.rl.gaussian import entropy, kl_divergence, log_prob
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.ppo import PPO
from legged_gym.rl.rl_config import PolicyCfg, PPOCfg

N, T, ACTIONS = 32, 8, 3
EXACT = {"schedule": "fixed", "bounds_loss_coef": 0.0, "entropy_coef": 0.01, "use_mixed_precision": False}
OURS = ("bounds_loss_coef", "clip_actions_threshold", "desired_kl_half_life")


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    """Compute with one thread, the fastest for matrices as small as these, unless a test says otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def observations(generator: torch.Generator) -> TensorDict:
    """Random observations, shifted and scaled so that the normaliser matters."""
    actor = 2.0 + 3.0 * torch.randn(N, 5, generator=generator)
    critic = torch.randn(N, 7, generator=generator) - 1.0
    return TensorDict({"actor": actor, "critic": critic}, batch_size=[N])


def make(kind: type, **options: object) -> rsl_rl.algorithms.PPO:
    """Make an algorithm whose weights depend on the seed only."""
    torch.manual_seed(3)
    obs = observations(torch.Generator().manual_seed(0))
    actor, critic = build_actor_critic(
        obs, ACTIONS, PolicyCfg(actor_hidden_dims=(16, 8), critic_hidden_dims=(16,))
    )
    storage = RolloutStorage("rl", N, T, obs, [ACTIONS])
    return kind(actor, critic, storage, **options)


def train(alg: rsl_rl.algorithms.PPO, iterations: int) -> list[dict[str, float]]:
    """Feed the algorithm the same random experience whatever it does; every fifth end is a time-out.

    Seeds anew for every iteration, as rsl_rl draws actions in every mini-batch of an update and throws them
    away.
    """
    generator = torch.Generator().manual_seed(1)
    losses = []
    for iteration in range(iterations):
        torch.manual_seed(iteration)
        obs = observations(generator)
        with torch.no_grad():
            for _ in range(T):
                alg.act(obs)
                obs = observations(generator)
                dones = torch.rand(N, generator=generator) < 0.2
                time_outs = dones & (torch.rand(N, generator=generator) < 0.2)
                rewards = torch.randn(N, generator=generator)
                alg.process_env_step(obs, rewards, dones, {"time_outs": time_outs})
            alg.compute_returns(obs)
        losses.append(alg.update())
    return losses


def options_of(cfg: PPOCfg, *without: str) -> dict[str, object]:
    """Return the fields of a configuration as constructor arguments."""
    return {key: value for key, value in asdict(cfg).items() if key not in without}


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_update_equals_rsl_rl(threads: int, clipped: bool) -> None:
    cfg = PPOCfg(**EXACT, use_clipped_value_loss=clipped)
    reference = make(rsl_rl.algorithms.PPO, **options_of(cfg, *OURS))
    lean = make(PPO, **options_of(cfg))
    theirs = train(reference, 2)
    torch.set_num_threads(threads)
    ours = train(lean, 2)
    assert torch.get_num_threads() == threads
    for model in ("actor", "critic"):
        expected = getattr(reference, model).state_dict()
        for name, value in getattr(lean, model).state_dict().items():
            torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-5, msg=f"{model} {name}")
    for key in ("value", "surrogate"):
        assert [loss[key] for loss in ours] == pytest.approx([loss[key] for loss in theirs], abs=1e-5)


def test_one_of_one_processes_equals_a_single_process() -> None:
    alone = make(PPO, **options_of(PPOCfg()))
    expected = train(alone, 2)
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        group = {"global_rank": 0, "local_rank": 0, "world_size": 1}
        member = make(PPO, **options_of(PPOCfg()), multi_gpu_cfg=group)
        losses = train(member, 2)
    finally:
        torch.distributed.destroy_process_group()
    assert losses[1] == pytest.approx(expected[1], abs=1e-4)
    assert member.learning_rate == alone.learning_rate


def test_learning_moves_the_weights_it_is_compared_on() -> None:
    # Guards the test above: after two updates at 1e-3 weights have moved by far more than its tolerance.
    lean = make(PPO, **options_of(PPOCfg(**EXACT)))
    before = lean.actor.mlp[0].weight.detach().clone()
    train(lean, 2)
    assert (lean.actor.mlp[0].weight - before).abs().max() > 1e-3


def test_the_kl_aimed_at_halves_and_stops_at_a_tenth() -> None:
    alg = make(PPO, **options_of(PPOCfg(desired_kl=0.2, desired_kl_half_life=100)))
    for updates, aim in ((0, 0.2), (100, 0.1), (200, 0.05), (10000, 0.02)):
        alg.num_updates = updates
        for kl, direction in ((1.6 * aim, -1), (aim, 0), (aim / 1.6, 1)):
            before = alg.learning_rate
            alg._adapt_learning_rate(kl)
            assert (alg.learning_rate > before) - (alg.learning_rate < before) == direction
            alg.set_learning_rate(before)


@pytest.mark.parametrize(("desired_kl", "direction"), [(1e-6, -1), (1e3, 1)])
def test_adaptive_learning_rate_reaches_the_optimisers(desired_kl: float, direction: int) -> None:
    alg = make(PPO, **options_of(PPOCfg(desired_kl=desired_kl)))
    train(alg, 3)
    expected = 1e-3 * 1.2 ** (3 * direction)  # one notch per iteration
    for optimizer in (alg.optimizer, alg.critic_optimizer):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected)


def test_learning_rate_rests_within_tolerance_and_stays_in_range() -> None:
    alg = make(PPO, **options_of(PPOCfg(desired_kl=0.2)))
    for kl, expected in ((0.2 * 1.49, 1e-3), (0.2 / 1.49, 1e-3), (0.31, 1e-3 / 1.2), (0.13, 1e-3)):
        alg._adapt_learning_rate(kl)
        assert alg.learning_rate == pytest.approx(expected)
    for kl, bound in ((1.0, 1e-5), (0.0, 1e-2)):
        for _ in range(60):
            alg._adapt_learning_rate(kl)
        assert alg.optimizer.param_groups[0]["lr"] == pytest.approx(bound)


def test_fixed_schedule_keeps_the_learning_rate() -> None:
    alg = make(PPO, **options_of(PPOCfg(schedule="fixed", desired_kl=1e-6)))
    train(alg, 2)
    assert alg.optimizer.param_groups[0]["lr"] == 1e-3


def test_kl_is_taken_after_the_update() -> None:
    alg = make(PPO, **options_of(PPOCfg(**EXACT)))
    assert train(alg, 1)[0]["kl"] > 0
    idle = make(PPO, **options_of(PPOCfg(**EXACT, learning_rate=0.0)))
    assert train(idle, 1)[0]["kl"] == pytest.approx(0.0, abs=1e-6)


def test_bounds_loss_by_hand() -> None:
    alg = make(PPO, **options_of(PPOCfg(bounds_loss_coef=0.5, clip_actions_threshold=2.0)))
    mean = torch.tensor([[3.0, -4.0, 1.0], [0.0, 2.0, -2.0]])
    assert alg._bounds_loss(mean) == pytest.approx((1.0 + 2.0) / 2)


def test_bounds_loss_pulls_mean_actions_back() -> None:
    far = {}
    for coef in (0.0, 10.0):
        alg = make(PPO, **options_of(PPOCfg(bounds_loss_coef=coef, clip_actions_threshold=0.5)))
        with torch.no_grad():
            alg.actor.mlp[-1].bias.fill_(3.0)
        train(alg, 5)
        far[coef] = alg.actor.mlp[-1].bias.mean().item()
    assert far[10.0] < far[0.0] - 0.02


def test_time_outs_are_bootstrapped_and_falls_are_not() -> None:
    # With lam = 0 the return of a last step is r for a fall and r + gamma V(s_t) for a time-out.
    alg = make(PPO, **options_of(PPOCfg(lam=0.0, gamma=0.9)))
    obs = observations(torch.Generator().manual_seed(0))
    dones = torch.ones(N, dtype=torch.bool)
    time_outs = torch.arange(N) % 2 == 0
    for _ in range(T):
        alg.act(obs)
        alg.process_env_step(obs, torch.full((N,), 2.0), dones, {"time_outs": time_outs})
    alg.compute_returns(obs)
    values, returns = alg.storage.values[0, :, 0], alg.storage.returns[0, :, 0]
    torch.testing.assert_close(returns, 2.0 + 0.9 * values * time_outs)


def test_observations_are_recorded_before_the_env_can_change_them() -> None:
    alg = make(PPO, **options_of(PPOCfg()))
    obs = observations(torch.Generator().manual_seed(0))
    expected = obs["actor"].clone()
    alg.act(obs)
    obs["actor"].zero_()
    torch.testing.assert_close(alg.storage.observations["actor"][0], expected)


def test_mixed_precision_changes_little() -> None:
    full, mixed = (
        make(PPO, **options_of(PPOCfg(**EXACT | {"use_mixed_precision": m}))) for m in (False, True)
    )
    a, b = train(full, 1)[0], train(mixed, 1)[0]
    assert b["value"] == pytest.approx(a["value"], rel=0.02)
    assert b["value"] != a["value"]
    assert mixed.actor.mlp[0].weight.dtype == torch.float32


def test_gaussian_formulas_equal_torch_distributions() -> None:
    g = torch.Generator().manual_seed(0)
    p, q = torch.randn(4, 3, generator=g), torch.randn(4, 3, generator=g)
    sp, sq = torch.tensor([0.3, 1.0, 2.0]), torch.tensor([0.5, 0.7, 1.5])
    a, b = torch.distributions.Normal(p, sp), torch.distributions.Normal(q, sq)
    torch.testing.assert_close(log_prob(q, p, sp), a.log_prob(q).sum(-1))
    torch.testing.assert_close(kl_divergence(p, sp, q, sq), torch.distributions.kl_divergence(a, b).sum(-1))
    torch.testing.assert_close(entropy(sp), a.entropy()[0].sum())
    # One unit Gaussian against itself, one nat of entropy at std = e / sqrt(2 pi e).
    assert entropy(torch.tensor([math.e / math.sqrt(2 * math.pi * math.e)])) == pytest.approx(1.0)


def test_the_policy_for_use_is_the_mean_of_the_actors_then_an_exponential_one() -> None:
    alg = make(PPO, **options_of(PPOCfg(**EXACT)), average_iterations=3)
    weights = []
    for _ in range(5):
        train(alg, 1)
        weights.append(alg.actor.mlp[0].weight.detach().clone())
    expected = (weights[0] + weights[1] + weights[2]) / 3
    for newer in weights[3:]:
        expected = expected + (newer - expected) / 3
    torch.testing.assert_close(alg.get_policy().mlp[0].weight, expected)
    assert not torch.allclose(alg.actor.mlp[0].weight, expected)
