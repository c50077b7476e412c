"""What a run writes down: progress.csv, TensorBoard or Weights & Biases, and the statistics behind them."""

from __future__ import annotations

import csv
import logging
import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from legged_gym.rl.rl_config import RunnerCfg
from legged_gym.utils.errors import DependencyError, RunError
from legged_gym.utils.paths import write_atomically

logger = logging.getLogger(__name__)

EPISODE_WINDOW = 100
"""Episodes that mean reward and mean episode length are taken over, the newest ones."""
NO_END = -1.0
"""Length of an episode that goes on."""


class EpisodeStatistics:
    """Return and length of the newest episodes, and the means of what the env logs."""

    def __init__(self, num_envs: int, device: str) -> None:
        """Start with no episode finished.

        Args:
            num_envs: Number of envs, N.
            device: Where rewards and dones come in.
        """
        self._running = torch.zeros(2, num_envs, device=device)  # (2, N): return and length so far
        self._finished: deque[tuple[float, float]] = deque(maxlen=EPISODE_WINDOW)
        self._pending: list[
            torch.Tensor
        ] = []  # each (2, N): of the episodes that ended in one step, NO_END of others
        self._logs: dict[str, list[torch.Tensor]] = {}

    def add(self, rewards: torch.Tensor, dones: torch.Tensor, log: Mapping[str, Any]) -> None:
        """Take in one step.

        Args:
            rewards: (N,)
            dones: Whether the episode ended. (N,)
            log: Scalars of the env by name; a tensor counts with its mean.
        """
        self._running[0] += rewards
        self._running[1] += 1
        done = dones.bool()
        self._pending.append(
            self._running.masked_fill(~done, NO_END)
        )  # picking them out would wait for a GPU
        self._running.masked_fill_(done, 0.0)
        for key, value in log.items():  # averaged now: the env may go on writing into its tensors
            self._logs.setdefault(key, []).append(torch.as_tensor(value, dtype=torch.float32).mean())

    def collect(self) -> dict[str, float]:
        """Return the statistics since the last call: means over episodes, and over steps for what the env logged."""
        ended = torch.cat(self._pending, dim=1)
        self._finished.extend(zip(*ended[:, ended[1] != NO_END].tolist(), strict=True))
        row = {}
        if self._finished:
            returns, lengths = zip(*self._finished, strict=True)
            row = {
                "mean_reward": sum(returns) / len(returns),
                "mean_episode_length": sum(lengths) / len(lengths),
            }
        for key, values in self._logs.items():
            row[key if "/" in key else f"Episode/{key}"] = float(torch.stack(values).nanmean())
        self._pending.clear()
        self._logs.clear()
        return row

    def state_dict(self) -> dict[str, Any]:
        """Return what goes on from one iteration to the next."""
        return {"running": self._running, "finished": list(self._finished)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what :meth:`state_dict` returned."""
        self._running.copy_(state["running"])
        self._finished = deque(state["finished"], maxlen=EPISODE_WINDOW)


class ProgressCsv:
    """A table with one row per iteration, readable at any time; columns may join later."""

    def __init__(self, path: Path, history: Path, iteration: int) -> None:
        """Open the table.

        Args:
            path: File to write.
            history: Table to carry over, up to and including ``iteration``; may be ``path`` itself, need not
                exist.
            iteration: Iterations completed so far.
        """
        self.path = path
        rows = (
            [row for row in read_progress(history) if float(row["iteration"]) <= iteration]
            if iteration
            else []
        )
        self._columns = list(dict.fromkeys(key for row in rows for key in row))
        self._rewrite(rows)

    def add(self, row: Mapping[str, float]) -> None:
        """Write one row and flush it."""
        new = [key for key in row if key not in self._columns]
        if new:
            self._file.close()
            rows = read_progress(self.path)
            self._columns += new
            self._rewrite(rows)
        self._writer.writerow(_format(row))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        """Write the table anew and leave it open for more rows."""
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        self._file = temporary.open("w", newline="")
        self._writer = csv.DictWriter(self._file, self._columns, restval="")
        if self._columns:
            self._writer.writeheader()
        self._writer.writerows(rows)
        self._file.flush()
        temporary.replace(self.path)


def mean_row(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of rows of several processes, each column over those that have it; equal values stay exact."""
    mean: dict[str, float] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        values = [row[key] for row in rows if key in row]
        mean[key] = values[0] if len(set(values)) == 1 else sum(values) / len(values)
    return mean


def read_progress(path: Path) -> list[dict[str, str]]:
    """Return the rows of a progress.csv as written, none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            row for row in csv.DictReader(file) if None not in row.values()
        ]  # a killed run may leave half a row


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of equal columns as a table, whole or not at all; nothing for no rows.

    Raises:
        RunError: The file cannot be written.
    """
    if not rows:
        return

    def write(partial: Path) -> None:
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)


def _format(row: Mapping[str, float]) -> dict[str, str]:
    """Write whole numbers in full and others with six digits."""
    return {k: str(v) if isinstance(v, int) else f"{v:.6g}" for k, v in row.items()}


class TensorBoardWriter:
    """Curves for ``tensorboard --logdir``."""

    def __init__(self, log_dir: Path) -> None:
        """Open an event file in the run's folder."""
        from torch.utils.tensorboard import SummaryWriter  # takes a second to import

        self._writer = SummaryWriter(str(log_dir), flush_secs=10)

    def add(self, row: Mapping[str, float]) -> None:
        """Take one iteration."""
        for key, value in row.items():
            self._writer.add_scalar(key if "/" in key else f"train/{key}", value, row["iteration"])

    def close(self) -> None:
        """Write out what is pending."""
        self._writer.close()


class WandbWriter:
    """Curves for Weights & Biases; never asks for a login."""

    def __init__(self, log_dir: Path, project: str, note: str, config: Mapping[str, Any]) -> None:
        """Start a W&B run, offline where this machine is not logged in and WANDB_MODE says nothing else.

        Raises:
            DependencyError: wandb is not installed.
        """
        try:
            import wandb
        except ImportError as error:
            raise DependencyError("logger=wandb needs the package wandb: pip install wandb") from error
        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        if mode == "offline":
            logger.warning(
                "wandb is not logged in: the run stays in %s; upload it with `wandb sync`", log_dir
            )
        self._run = wandb.init(
            project=project, name=log_dir.name, notes=note, dir=str(log_dir), config=dict(config), mode=mode
        )

    def add(self, row: Mapping[str, float]) -> None:
        """Take one iteration."""
        self._run.log(dict(row), step=int(row["iteration"]))

    def close(self) -> None:
        """Write out what is pending."""
        self._run.finish()


class RunLog:
    """Everything a run writes down while it goes on; a context that closes it all."""

    def __init__(
        self, log_dir: Path, cfg: RunnerCfg, config: Mapping[str, Any], history: Path, iteration: int
    ) -> None:
        """Make the folder and open the files.

        Args:
            log_dir: Folder of the run.
            cfg: Which writer to use.
            config: The resolved configuration, for Weights & Biases.
            history: The progress.csv that this run continues; need not exist.
            iteration: Iterations completed so far.

        Raises:
            RunError: The folder cannot be written to.
            DependencyError: The writer's package is not installed.
        """
        try:
            log_dir.mkdir(parents=True, exist_ok=True)
            self._csv = ProgressCsv(log_dir / "progress.csv", history, iteration)
        except OSError as error:
            raise RunError(f"cannot write to log folder {log_dir}: {error.strerror or error}") from error
        self._writer: TensorBoardWriter | WandbWriter | None = None
        if cfg.logger == "tensorboard":
            self._writer = TensorBoardWriter(log_dir)
        elif cfg.logger == "wandb":
            self._writer = WandbWriter(log_dir, cfg.wandb_project, cfg.wandb_note, config)

    def __enter__(self) -> RunLog:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write out what is pending and close all files."""
        self._csv.close()
        if self._writer is not None:
            self._writer.close()

    def add(self, row: Mapping[str, float]) -> None:
        """Take one iteration."""
        self._csv.add(row)
        if self._writer is not None:
            self._writer.add(row)
