"""Where episodes start: which clip, and which frame of it."""

from __future__ import annotations

import torch
from torch import Tensor

from legged_gym.envs.base.clip_statistics import ClipStatistics
from legged_gym.envs.base.robot_deepmimic_config import DeepMimicCfg
from legged_gym.motion.replay_data import ReplayData
from legged_gym.utils.errors import MotionError
from legged_gym.utils.processes import sum_over_processes

MIN_REMAINING = 2
"""Frames of its clip that an episode has ahead of it at least."""
FAILURE_DECAY = 0.998
"""Per step of all envs: failures count with a time constant of 500 steps."""
LEAD_BINS, LEAD_DECAY = 3, 0.8
"""A failure draws starts into its own bin and the two before it, with weights 1, 0.8, 0.64."""
SUCCESS_OFFSET = 0.05
"""Added to a success rate before it is inverted, as the original does: a clip never solved weighs 20."""


class StartSampler:
    """Draws the frames that episodes start at.

    A draw has two levels. First a group of frames: a clip, or for failure_bin_adaptive a time bin of a clip. Then a
    frame of the group by `weighting_strategy`. Frames within a clip have the cumulative weight `_cumulative`, which
    runs from c to c + 1 over clip c, so that every group is an interval of it and one search finds any frame.
    """

    def __init__(
        self, data: ReplayData, cfg: DeepMimicCfg, statistics: ClipStatistics, generator: torch.Generator
    ) -> None:
        """Lay out the distributions; only frames with MIN_REMAINING frames after them are drawn.

        Raises:
            MotionError: a clip has too few frames for an episode.
        """
        self._data, self._cfg, self._statistics, self._generator = data, cfg, statistics, generator
        self._device = data.clip_start.device
        short = (data.clip_length <= MIN_REMAINING).nonzero().flatten().tolist()
        if short:
            names = ", ".join(data.clip_names[clip] for clip in short)
            raise MotionError(
                f"no episode fits into {names}: a clip needs {MIN_REMAINING + 1} frames or more"
            )
        self._num_starts = data.clip_length - MIN_REMAINING  # (C,)
        frames = torch.arange(data.num_frames, device=self._device)
        clips = data.clip_of(frames)
        in_clip = frames - data.clip_start[clips]
        self._cumulative = self._within_clips(clips, in_clip)  # (F,) float64
        self._lay_bins(frames, clips, in_clip)
        self.failures = torch.zeros(self.num_bins, device=self._device)
        """(bins,) running count of failures in each time bin."""
        self.unshared_failures = torch.zeros_like(self.failures)
        """(bins,) those of them that the other processes do not know yet."""

    @property
    def num_bins(self) -> int:
        """Time bins of all clips."""
        return len(self._first)

    def sample(self, n: int, among: Tensor | None = None) -> Tensor:
        """Start frames, (n,) long.

        Args:
            n: How many.
            among: (C,) bool, clips to draw from, whatever fails where; None: all.
        """
        cfg, data = self._cfg, self._data
        if cfg.clip_weighting_strategy == "failure_bin_adaptive" and among is None:
            groups = self._draw(self.bin_probabilities(), n)
            low, high = self._bin_low[groups], self._bin_high[groups]
        else:
            clips = self.clip_probabilities()
            low = self._draw(clips if among is None else clips * among, n).double()
            high = low + 1.0
        if not cfg.randomize_start_offset:
            return data.clip_start[low.long()]
        at = low + self._rand(n, torch.float64) * (high - low)
        frames = torch.searchsorted(self._cumulative, at, right=True)
        frames.clamp_(max=data.num_frames - 1)
        at_start = self._rand(n) < cfg.start_frame_share
        return torch.where(at_start, data.clip_start[data.clip_of(frames)], frames)

    def note_failures(self, frames: Tensor, failed: Tensor) -> None:
        """Count the failures of one step among episodes that ended at frames (k,), by mask (k,); call it every step."""
        self.failures *= FAILURE_DECAY
        self.unshared_failures *= FAILURE_DECAY
        # Added up in place: picking out those that failed would wait for a GPU.
        bins, new = self._bin_of[frames], failed.to(self.failures.dtype)
        self.failures.index_add_(0, bins, new)
        self.unshared_failures.index_add_(0, bins, new)

    def share_failures(self) -> None:
        """Learn of the failures that the other processes have noted since the last call, and tell them one's own."""
        if self._cfg.share_clips == "all":  # otherwise their bins are of other clips
            of_all = sum_over_processes(self.unshared_failures.clone())
            self.failures += of_all - self.unshared_failures
        self.unshared_failures.zero_()

    def clip_probabilities(self) -> Tensor:
        """How likely a start falls into each clip, (C,); for failure_bin_adaptive, while nothing has failed."""
        weight = self._data.clip_weight
        strategy = self._cfg.clip_weighting_strategy
        if strategy in ("uniform_step", "failure_bin_adaptive"):
            weight = weight * self._num_starts
        elif strategy == "success_rate_adaptive":
            weight = weight * self._difficulty()
        return weight / weight.sum()

    def bin_probabilities(self) -> Tensor:
        """How likely a start of failure_bin_adaptive falls into each time bin, (bins,)."""
        weight = self.failures.clone()
        for ahead, inside in enumerate(self._bin_inside, start=1):
            weight[:-ahead] += LEAD_DECAY**ahead * self.failures[ahead:] * inside
        weight *= self._bin_weight
        total = weight.sum()
        share = self._cfg.uniform_start_share
        mixed = share * self._bin_uniform + (1.0 - share) * weight / total.clamp_min(1e-12)
        return torch.where(total > 0.0, mixed, self._bin_uniform)

    def _difficulty(self) -> Tensor:
        """Factor of each clip for success_rate_adaptive, (C,): the original's, clip ((1 / (s + 0.05)) / mean)."""
        cfg, seen = self._cfg, self._statistics.episodes > 0
        inverse = 1.0 / (self._statistics.success_rate + SUCCESS_OFFSET)
        mean = (inverse * seen).sum() / seen.sum().clamp_min(1)
        factor = (inverse / mean.clamp_min(1e-12)).clamp(
            cfg.min_success_rate_weight_factor, cfg.max_success_rate_weight_factor
        )
        return torch.where(seen, factor, 1.0)

    def _within_clips(self, clips: Tensor, in_clip: Tensor) -> Tensor:
        """Cumulative weight up to and including each frame, (F,) float64; c + 1 at the end of clip c."""
        n = self._num_starts[clips].double()
        done = (in_clip + 1).double().minimum(n)  # starts up to this frame
        if self._cfg.weighting_strategy == "linear":  # weight of start i is 2 (n - i) / (n (n + 1))
            share = done * (2.0 * n - done + 1.0) / (n * (n + 1.0))
        else:
            share = done / n
        return clips + share

    def _lay_bins(self, frames: Tensor, clips: Tensor, in_clip: Tensor) -> None:
        """Cut the clips into time bins: which frame is in which, and the interval of cumulative weight of each."""
        data = self._data
        frames_per_bin = max(1, round(self._cfg.failure_bin_s / data.control_dt))
        bins_per_clip = (data.clip_length - 1) // frames_per_bin + 1
        first_bin = torch.cumsum(bins_per_clip, 0) - bins_per_clip
        self._bin_of = first_bin[clips] + in_clip // frames_per_bin  # (F,)
        bins = torch.arange(int(bins_per_clip.sum()), device=self._device)
        self._first = torch.searchsorted(self._bin_of, bins)  # (bins,) first frame
        clip = clips[self._first]
        last = torch.searchsorted(self._bin_of, bins, right=True) - 1
        self._bin_high = self._cumulative[last]
        starts_clip = in_clip[self._first] == 0
        before = self._cumulative[(self._first - 1).clamp_min(0)]
        self._bin_low = torch.where(starts_clip, clip.double(), before)
        width = (self._bin_high - self._bin_low).float()
        self._bin_uniform = self.clip_probabilities()[clip] * width
        self._bin_weight = data.clip_weight[clip] * (width > 0.0)
        last_bin = (first_bin + bins_per_clip - 1)[clip]  # of the bin's clip
        self._bin_inside = [bins[:-ahead] + ahead <= last_bin[:-ahead] for ahead in range(1, LEAD_BINS)]

    def _draw(self, probabilities: Tensor, n: int) -> Tensor:
        return torch.multinomial(probabilities, n, replacement=True, generator=self._generator)

    def _rand(self, n: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.rand(n, generator=self._generator, device=self._device, dtype=dtype)
