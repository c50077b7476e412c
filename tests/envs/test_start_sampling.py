"""Where episodes start: the distributions, against their definitions."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from legged_gym.envs.base.clip_statistics import ClipStatistics
from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.envs.base.start_sampling import StartSampler
from legged_gym.motion.replay_data import ReplayData
from legged_gym.utils.errors import MotionError
from tests.envs.conftest import NUM_FRAMES


def adaptive(task_cfg, make_env, **changes):
    cfg = task_cfg.env.deepmimic
    cfg.clip_weighting_strategy, cfg.failure_bin_s, cfg.start_frame_share = "failure_bin_adaptive", 0.2, 0.0
    for name, value in changes.items():
        setattr(cfg, name, value)
    return make_env().starts


def fail(starts: StartSampler, frames: Sequence[int]) -> None:
    """A step in which all episodes that end fail."""
    starts.note_failures(torch.tensor(frames, dtype=torch.long), torch.ones(len(frames), dtype=torch.bool))


def test_without_failures_starts_are_uniform_over_frames(task_cfg, make_env):
    starts = adaptive(task_cfg, make_env).sample(50_000)
    counts = torch.bincount(starts, minlength=NUM_FRAMES)
    assert counts[-2:].sum() == 0
    expected = 50_000 / (NUM_FRAMES - 2)
    assert (counts[:-2] - expected).abs().max() < 6 * expected**0.5


def test_failures_draw_starts_into_their_bin_and_the_two_before(task_cfg, make_env):
    sampler = adaptive(task_cfg, make_env, uniform_start_share=0.4)
    fail(sampler, [35] * 5)  # bins of 10 frames: bin 3
    weights = torch.tensor([0.0, 0.64, 0.8, 1.0, 0.0, 0.0])
    uniform = torch.tensor([10.0, 10.0, 10.0, 10.0, 10.0, 8.0]) / 58.0
    expected = 0.4 * uniform + 0.6 * weights / weights.sum()
    torch.testing.assert_close(sampler.bin_probabilities(), expected)
    drawn = torch.bincount(sampler.sample(40_000) // 10, minlength=6) / 40_000
    torch.testing.assert_close(drawn, expected, atol=0.01, rtol=0)


def test_several_failures_in_one_step_all_count_and_old_ones_fade(task_cfg, make_env):
    sampler = adaptive(task_cfg, make_env)
    frames = torch.tensor([5, 5, 15, 5, 25])
    sampler.note_failures(frames, frames != 15)
    assert sampler.failures.tolist() == [3.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    for _ in range(1000):
        fail(sampler, [])
    torch.testing.assert_close(sampler.failures[0], torch.tensor(3.0 * 0.998**1000), rtol=1e-3, atol=0)


def test_failures_do_not_reach_back_into_another_clip(task_cfg, make_env, sway_clip, tmp_path):
    other = shutil.copy(sway_clip, tmp_path / "zway.npz")
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(other)]
    sampler = adaptive(task_cfg, make_env, uniform_start_share=0.0)
    fail(sampler, [NUM_FRAMES + 3])  # first bin of the second clip
    starts = sampler.sample(1000)
    assert starts.min() >= NUM_FRAMES and starts.max() < NUM_FRAMES + 10


# Clip and frame weighting, on a library of clips of 12, 22 and 42 frames: 10, 20 and 40 starts.


def library(lengths: Sequence[int] = (12, 22, 42), weights: Sequence[float] = (1.0, 1.0, 1.0)) -> ReplayData:
    """Only what the sampler reads of a library."""
    data = ReplayData.__new__(ReplayData)
    data.clip_names = [f"clip{i}" for i in range(len(lengths))]
    data.control_dt = 0.02
    data.clip_length = torch.tensor(lengths)
    data.clip_start = torch.cumsum(data.clip_length, 0) - data.clip_length
    data.clip_weight = torch.tensor(weights)
    data.dof_pos = torch.zeros(sum(lengths), 1)
    data._clip_of_frame = torch.repeat_interleave(torch.arange(len(lengths)), data.clip_length)
    return data


def sampler(data: ReplayData, **fields: object) -> tuple[StartSampler, ClipStatistics]:
    cfg = DeepMimicCfg(start_frame_share=0.0, **fields)
    statistics = ClipStatistics(data.clip_names, 1, "cpu")
    return StartSampler(data, cfg, statistics, torch.Generator().manual_seed(0)), statistics


def frequencies(starts: StartSampler, frames: int, n: int = 200_000) -> Tensor:
    return torch.bincount(starts.sample(n), minlength=frames) / n


@pytest.mark.parametrize("strategy", ["uniform_step", "uniform_clip"])
@pytest.mark.parametrize("weighting", ["uniform", "linear"])
def test_frames_are_drawn_as_the_two_weightings_define(strategy, weighting):
    weights = (1.0, 3.0, 2.0)
    starts, _ = sampler(
        library(weights=weights), clip_weighting_strategy=strategy, weighting_strategy=weighting
    )
    expected = []
    for n, weight in zip((10, 20, 40), weights, strict=True):
        i = torch.arange(n)
        within = 2.0 * (n - i) / (n * (n + 1)) if weighting == "linear" else torch.full((n,), 1.0 / n)
        expected += [within * weight * (n if strategy == "uniform_step" else 1), torch.zeros(2)]
    expected = torch.cat(expected)
    expected /= expected.sum()
    drawn = frequencies(starts, 76)
    assert not drawn[expected == 0].any()
    deviation = (expected / 200_000).sqrt()
    assert ((drawn - expected).abs() <= 5 * deviation).all()


def test_clips_that_fail_are_drawn_more_within_the_factors():
    # (1 / (s + 0.05)) of rates 1, 0.5 and 0 is 0.952, 1.818, 20; over their mean 7.59: 0.125, 0.240, 2.635.
    starts, statistics = sampler(library(), clip_weighting_strategy="success_rate_adaptive")
    torch.testing.assert_close(starts.clip_probabilities(), torch.full((3,), 1 / 3))  # nothing seen yet
    statistics.add(torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([True, True, True, False, False, False]))
    factor = torch.tensor([1 / 3, 1 / 3, 2.635])
    torch.testing.assert_close(starts.clip_probabilities(), factor / factor.sum(), atol=1e-3, rtol=0)
    drawn = frequencies(starts, 76)
    torch.testing.assert_close(drawn[34:].sum(), factor[2] / factor.sum(), atol=5e-3, rtol=0)


def test_a_clip_that_was_never_played_keeps_its_weight():
    starts, statistics = sampler(library(), clip_weighting_strategy="success_rate_adaptive")
    statistics.add(torch.tensor([0, 1]), torch.tensor([True, False]))
    # 0.952 and 20 over their mean 10.48: 0.091 -> 1/3, and 1.909
    factor = torch.tensor([1 / 3, 1.909, 1.0])
    torch.testing.assert_close(starts.clip_probabilities(), factor / factor.sum(), atol=1e-3, rtol=0)


def test_the_factors_of_the_configuration_bound_the_weights():
    starts, statistics = sampler(
        library(),
        clip_weighting_strategy="success_rate_adaptive",
        min_success_rate_weight_factor=0.9,
        max_success_rate_weight_factor=1.2,
    )
    statistics.add(torch.tensor([0, 1, 2]), torch.tensor([True, True, False]))
    torch.testing.assert_close(starts.clip_probabilities(), torch.tensor([0.3, 0.3, 0.4]))


def test_weights_of_the_list_count_where_failures_are_followed():
    starts, _ = sampler(library(weights=(4.0, 2.0, 1.0)), uniform_start_share=0.0)
    fail(starts, [0, 12, 34])
    drawn = frequencies(starts, 76)
    torch.testing.assert_close(
        torch.stack([drawn[:12].sum(), drawn[12:34].sum(), drawn[34:].sum()]),
        torch.tensor([4.0, 2.0, 1.0]) / 7.0,
        atol=5e-3,
        rtol=0,
    )


@pytest.mark.parametrize("strategy", ["uniform_clip", "failure_bin_adaptive"])
def test_without_random_offset_episodes_start_at_a_clips_beginning(strategy):
    starts, _ = sampler(library(), clip_weighting_strategy=strategy, randomize_start_offset=False)
    assert set(starts.sample(500).tolist()) == {0, 12, 34}


def test_a_clip_too_short_for_an_episode_is_named():
    with pytest.raises(MotionError, match="no episode fits into clip1: a clip needs 3 frames"):
        sampler(library(lengths=(12, 2)))


def test_draws_follow_the_generator():
    draws = [sampler(library())[0].sample(50) for _ in range(2)]
    assert torch.equal(*draws)
