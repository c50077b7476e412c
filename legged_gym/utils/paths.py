"""Where things lie: resources, motion data, run folders and their checkpoints."""

from __future__ import annotations

import glob
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from legged_gym.utils.errors import ConfigError, MotionError, RunError

PACKAGE_ROOT = Path(__file__).resolve().parents[1]
"""The ``legged_gym`` folder."""
CONFIG_FILE = "config.yaml"
"""Name of the resolved configuration in a run folder."""

_CHECKPOINT = re.compile(r"model_(\d+)\.pt")
_RUN_TIME = "%Y%m%d_%H%M%S"
_RUN_TIME_LENGTH = len("20250410_063030")


def data_root() -> Path:
    """Folder that holds ``resources`` and ``retargeted_data``: the checkout, or a copy in the package."""
    installed = PACKAGE_ROOT / "_data"
    return installed if installed.is_dir() else PACKAGE_ROOT.parent


def resources_dir() -> Path:
    """The ``resources`` folder (robot models)."""
    return data_root() / "resources"


def find_data(pattern: str | os.PathLike[str], root: str = "") -> list[Path]:
    """Files or folders that a path or glob names, sorted by name.

    Looked for in ``root`` where one is given, then as given, then under ``retargeted_data`` of the checkout (or of the
    installed package), then in a folder ``retargeted_data`` beside it. The first place with a match is taken.

    :raises MotionError: no match anywhere; lists the places.
    """
    text = os.path.expanduser(os.fspath(pattern))
    checkout = data_root()
    places = [Path.cwd(), checkout / "retargeted_data", checkout.parent / "retargeted_data"]
    if root:
        places.insert(0, Path(root).expanduser())
    if os.path.isabs(text):
        places = places[:1]
    for place in places:
        if text and (place / text).exists():
            return [place / text]
        matches = sorted(glob.glob(str(place / text), recursive=True)) if glob.has_magic(text) else []
        if matches:
            return [Path(match) for match in matches]
    searched = ", ".join(str(place) for place in places)
    raise MotionError(f"no file matches {text or 'an empty path'}; looked in {searched}")


def logs_root() -> Path:
    """Folder of all runs: ``logs`` in the current directory."""
    return Path.cwd() / "logs"


def make_run_dir(experiment_name: str, run_name: str = "", now: datetime | None = None) -> Path:
    """Create ``logs/<experiment_name>/<YYYYmmdd_HHMMSS>_<run_name>`` and return it.

    An empty ``run_name`` means the experiment's. A time that is taken already moves on by a second.

    :raises ConfigError: a name is empty or holds a path separator.
    :raises RunError: the folder cannot be created or written to.
    """
    run_name = run_name or experiment_name
    for flag, name in (("experiment_name", experiment_name), ("run_name", run_name)):
        if not name or name in (".", "..") or set(name) & set("/\\\0"):
            raise ConfigError(f"{flag} must be a plain folder name, not {name!r}")
    experiment = logs_root() / experiment_name
    time = now or datetime.now()
    try:
        experiment.mkdir(parents=True, exist_ok=True)
        while True:
            run = experiment / f"{time.strftime(_RUN_TIME)}_{run_name}"
            try:
                run.mkdir()
                break
            except FileExistsError:
                time += timedelta(seconds=1)
        with tempfile.TemporaryFile(dir=run):
            return run
    except OSError as error:
        raise RunError(f"cannot write to log folder {experiment}: {error.strerror}") from None


def list_runs(experiment_name: str) -> list[Path]:
    """Run folders of an experiment, oldest first (by the time in their name, else by that of the folder)."""
    experiment = logs_root() / experiment_name
    if not experiment.is_dir():
        return []
    runs = [entry for entry in experiment.iterdir() if entry.is_dir()]
    return sorted(runs, key=lambda run: (_run_time(run), run.name))


def _run_time(run: Path) -> float:
    try:
        return datetime.strptime(run.name[:_RUN_TIME_LENGTH], _RUN_TIME).timestamp()
    except ValueError:
        return run.stat().st_mtime


def find_run(experiment_name: str, load_run: str | None = None) -> Path:
    """The run folder that ``--load_run`` names.

    :param load_run: name of a run of this experiment or of any other, a path to a run folder, or None (or empty)
        for the newest run of this experiment that has a checkpoint.
    :raises RunError: there is none; lists the runs that exist.
    """
    runs = list_runs(experiment_name)
    if not load_run:
        trained = [run for run in runs if list_checkpoints(run)]
        if trained:
            return trained[-1]
        what = "no run has a checkpoint yet" if runs else "there are no runs"
        raise RunError(f"{what} in {logs_root() / experiment_name}; train first, or name one with --load_run")
    path = Path(load_run).expanduser()
    if path.name == load_run:
        named = [
            logs_root() / experiment_name / load_run,
            *sorted(logs_root().glob(f"*/{glob.escape(load_run)}")),
        ]
    else:
        named = []
    for run in (*named, path):
        if run.is_dir():
            return run
    if path.is_file():
        raise RunError(f"{load_run} is a file; --load_run takes the run folder, --checkpoint the iteration")
    names = [run.name for run in reversed(runs)]
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} older" if len(names) > 10 else "")
    raise RunError(f"no run {load_run}; runs in {logs_root() / experiment_name}: {listed or 'none'}")


def list_checkpoints(run: Path) -> dict[int, Path]:
    """Iteration -> complete checkpoint of a run, lowest iteration first. Half-written files are left out."""
    found = ((_CHECKPOINT.fullmatch(file.name), file) for file in run.iterdir())
    # A checkpoint is a zip archive, whose directory is at its end: a truncated file has none.
    complete = {int(match[1]): file for match, file in found if match and zipfile.is_zipfile(file)}
    return dict(sorted(complete.items()))


def checkpoint_path(run: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration belongs."""
    return run / f"model_{iteration}.pt"


def find_checkpoint(run: Path, iteration: int | None = None) -> Path:
    """The checkpoint that ``--checkpoint`` names: that iteration's, or the newest complete one for None or -1.

    :raises RunError: there is none; lists the iterations that exist.
    """
    checkpoints = list_checkpoints(run)
    if iteration is None or iteration == -1:
        if not checkpoints:
            raise RunError(f"run {run} holds no complete checkpoint (model_<iteration>.pt)")
        return list(checkpoints.values())[-1]
    if iteration not in checkpoints:
        broken = " (the file is there but incomplete)" if checkpoint_path(run, iteration).exists() else ""
        listed = ", ".join(map(str, checkpoints)) or "none"
        raise RunError(f"run {run} has no checkpoint {iteration}{broken}; iterations: {listed}")
    return checkpoints[iteration]


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that ``path`` holds either all of it or what it held before, whenever the process dies.

    :param write: writes everything to the (temporary) path it is given.
    :raises RunError: the file system refuses (full disk, no permission); the temporary file is removed.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
