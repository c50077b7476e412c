"""Where a policy came from: version, commit, clips by hash, evaluation."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from legged_gym.bundle.schema import ClipSpec, Provenance
from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import PACKAGE_ROOT

DISTRIBUTION = "videomimic-gym"
"""Name this package is installed under."""

EVALUATION_FILE = "evaluation.json"
"""Where evaluate.py leaves its figures in a run folder."""

_GIT_TIMEOUT_S = 10.0


def make_provenance(
    *,
    config: dict[str, Any],
    run: str,
    iteration: int,
    samples: int | None,
    clips: Mapping[str, Path],
    evaluation: dict[str, Any] | None,
) -> Provenance:
    """Collect where a policy came from.

    Args:
        config: The resolved training configuration as plain data.
        run: Name of the run folder.
        iteration: Training iteration of the checkpoint.
        samples: Environment steps the policy had learned from.
        clips: File of every clip, in the order of the env's clips.
        evaluation: Totals of an evaluation of this checkpoint, see :func:`find_evaluation`.

    Raises:
        RunError: A clip's file cannot be read.
    """
    commit, modified = _git_state()
    return Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        package_version=_package_version(),
        git_commit=commit,
        git_modified=modified,
        run=run,
        iteration=iteration,
        samples=samples,
        clips=tuple(ClipSpec(name, path.name, sha256_of(path)) for name, path in clips.items()),
        evaluation=evaluation,
        config=config,
    )


def sha256_of(path: Path) -> str:
    """Hash of a file in hexadecimal digits.

    Raises:
        RunError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None


def find_evaluation(run: Path, iteration: int, given: Path | None = None) -> dict[str, Any] | None:
    """Totals of an evaluation of a checkpoint.

    Args:
        run: Its run folder.
        iteration: Its iteration.
        given: JSON written by evaluate.py; None looks for evaluation.json in the run folder and passes over one that
            is of another checkpoint.

    Returns:
        The "total" of the file; None where there is no file.

    Raises:
        RunError: The file cannot be read, holds no evaluation, or the given one is of another policy.
    """
    path = given or run / EVALUATION_FILE
    if given is None and not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        total, origin = content["total"], content["provenance"]
        judged = origin["run"], origin["iteration"]
    except OSError as error:
        raise RunError(f"cannot read evaluation {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path} is not an evaluation; evaluate.py writes one") from None
    if judged == (run.name, iteration):
        return total
    if given is None:
        return None
    raise RunError(
        f"{path} is of run {judged[0]}, iteration {judged[1]}; exported is {run.name}, {iteration}"
    )


def _package_version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "not installed"


def _git_state() -> tuple[str | None, bool | None]:
    """Commit of the checkout this package runs from, and whether it was modified; None where it is no checkout."""
    root = PACKAGE_ROOT.parent
    top = _git("rev-parse", "--show-toplevel")
    commit = _git("rev-parse", "--verify", "HEAD")
    if (
        top is None or commit is None or Path(top).resolve() != root
    ):  # a copy within somebody else's repository
        return None, None
    return commit, bool(_git("status", "--porcelain"))


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(PACKAGE_ROOT.parent), *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_GIT_TIMEOUT_S
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
