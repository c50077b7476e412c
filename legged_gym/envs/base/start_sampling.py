"""Where in the clips episodes start."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.motion.replay_data import ReplayData

FAILURE_DECAY = 0.998
"""Per step, of the running count of failures: about 10 s of simulation with a control period of 20 ms."""
LEAD_DECAY = 0.8
LEAD_BINS = 3
"""A failure also draws starts into this many bins up to its own, each earlier one 0.8 times as much."""
MIN_REMAINING = 2
"""Frames of the clip that an episode has ahead of it at least."""


class StartSampler:
    """Draws start frames: at a clip's first frame, anywhere, or more often shortly before where episodes fail.

    The last is reference state initialisation weighted by failures per time bin, after Liao et al. 2025
    (BeyondMimic): a share of the starts stays uniform, so that nothing is forgotten.
    """

    def __init__(self, data: ReplayData, cfg: DeepMimicCfg, generator: torch.Generator) -> None:
        """Cut every clip into bins of ``failure_bin_s`` seconds; the last of a clip may be shorter."""
        self._data, self._cfg, self._generator = data, cfg, generator
        self._device = data.clip_start.device
        frames_per_bin = max(1, round(cfg.failure_bin_s / data.control_dt))
        frames = torch.arange(data.num_frames, device=self._device)
        clips = data.clip_of(frames)
        in_clip = frames - data.clip_start[clips]
        bins_per_clip = (data.clip_length - 1) // frames_per_bin + 1
        first_bin = torch.cumsum(bins_per_clip, 0) - bins_per_clip
        self._bin_of = first_bin[clips] + in_clip // frames_per_bin  # (F,)
        starts = in_clip < (data.clip_length[clips] - MIN_REMAINING).clamp_min(1)
        self._size = torch.bincount(
            self._bin_of[starts], minlength=int(bins_per_clip.sum())
        )  # starts per bin
        self._first = torch.searchsorted(self._bin_of, torch.arange(len(self._size), device=self._device))
        self._last_bin = (first_bin + bins_per_clip - 1)[clips[self._first]]  # of the bin's clip
        self.failures = torch.zeros(len(self._size), device=self._device)
        """(bins,) running count of failures in each bin."""

    def sample(self, n: int) -> Tensor:
        """Start frames, (n,) long."""
        cfg = self._cfg
        if not cfg.randomize_start_offset:
            return self._data.clip_start[self._data.clip_of(self._data.sample(n, self._generator))]
        if cfg.start_sampling == "failure_bin_adaptive":
            bins = torch.multinomial(self.bin_probabilities(), n, replacement=True, generator=self._generator)
            frames = self._first[bins] + (self._rand(n) * self._size[bins]).long()
        else:
            frames = self._data.sample(n, self._generator, MIN_REMAINING)
        at_start = self._rand(n) < cfg.start_frame_share
        return torch.where(at_start, self._data.clip_start[self._data.clip_of(frames)], frames)

    def note_failures(self, frames: Tensor) -> None:
        """Count the failures of one step, at frames (k,); call it every step, also when there are none."""
        self.failures *= FAILURE_DECAY
        if len(frames):
            self.failures += torch.bincount(self._bin_of[frames], minlength=len(self.failures))

    def bin_probabilities(self) -> Tensor:
        """How likely a start falls into each bin, (bins,)."""
        uniform = self._size / self._size.sum()
        weight = torch.zeros_like(self.failures)
        bins = torch.arange(len(weight), device=self._device)
        for ahead in range(LEAD_BINS):
            inside = bins + ahead <= self._last_bin
            weight += LEAD_DECAY**ahead * self.failures[(bins + ahead).clamp_max(len(weight) - 1)] * inside
        weight *= self._size > 0
        total = weight.sum()
        if total <= 0.0:
            return uniform
        share = self._cfg.uniform_start_share
        return share * uniform + (1.0 - share) * weight / total

    def _rand(self, n: int) -> Tensor:
        return torch.rand(n, generator=self._generator, device=self._device)
