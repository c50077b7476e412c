"""Where episodes start: the distributions, against their definitions."""

from __future__ import annotations

import shutil

import torch

from tests.envs.conftest import NUM_FRAMES


def adaptive(task_cfg, make_env, **changes):
    cfg = task_cfg.env.deepmimic
    cfg.start_sampling, cfg.failure_bin_s, cfg.start_frame_share = "failure_bin_adaptive", 0.2, 0.0
    for name, value in changes.items():
        setattr(cfg, name, value)
    return make_env().starts


def test_without_failures_starts_are_uniform_over_frames(task_cfg, make_env):
    starts = adaptive(task_cfg, make_env).sample(50_000)
    counts = torch.bincount(starts, minlength=NUM_FRAMES)
    assert counts[-2:].sum() == 0
    expected = 50_000 / (NUM_FRAMES - 2)
    assert (counts[:-2] - expected).abs().max() < 6 * expected**0.5


def test_failures_draw_starts_into_their_bin_and_the_two_before(task_cfg, make_env):
    sampler = adaptive(task_cfg, make_env, uniform_start_share=0.4)
    sampler.note_failures(torch.full((5,), 35))  # bins of 10 frames: bin 3
    weights = torch.tensor([0.0, 0.64, 0.8, 1.0, 0.0, 0.0])
    uniform = torch.tensor([10.0, 10.0, 10.0, 10.0, 10.0, 8.0]) / 58.0
    expected = 0.4 * uniform + 0.6 * weights / weights.sum()
    torch.testing.assert_close(sampler.bin_probabilities(), expected)
    drawn = torch.bincount(sampler.sample(40_000) // 10, minlength=6) / 40_000
    torch.testing.assert_close(drawn, expected, atol=0.01, rtol=0)


def test_several_failures_in_one_step_all_count_and_old_ones_fade(task_cfg, make_env):
    sampler = adaptive(task_cfg, make_env)
    sampler.note_failures(torch.tensor([5, 5, 5, 25]))
    assert sampler.failures.tolist() == [3.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    for _ in range(1000):
        sampler.note_failures(torch.tensor([], dtype=torch.long))
    torch.testing.assert_close(sampler.failures[0], torch.tensor(3.0 * 0.998**1000), rtol=1e-3, atol=0)


def test_failures_do_not_reach_back_into_another_clip(task_cfg, make_env, sway_clip, tmp_path):
    other = shutil.copy(sway_clip, tmp_path / "zway.npz")
    task_cfg.env.deepmimic.amass_replay_data_path = [str(sway_clip), str(other)]
    sampler = adaptive(task_cfg, make_env, uniform_start_share=0.0)
    sampler.note_failures(torch.tensor([NUM_FRAMES + 3]))  # first bin of the second clip
    starts = sampler.sample(1000)
    assert starts.min() >= NUM_FRAMES and starts.max() < NUM_FRAMES + 10
