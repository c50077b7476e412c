"""Opens policy bundles. Needs numpy and PyYAML only: neither torch nor mujoco nor a policy runtime."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from legged_gym.bundle.arrays import (
    ACTION_TOLERANCE,
    action_error,
    check_recorded,
    check_reference,
    joint_array,
    joint_targets,
    motor_torques,
    offset_rows,
    zero_targets,
)
from legged_gym.bundle.parse import spec_from_plain
from legged_gym.bundle.schema import BUNDLE_FILE, RECORDED_FILE, REFERENCE_FILE, BundleSpec
from legged_gym.utils.errors import RunError


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read and found consistent."""

    folder: Path
    spec: BundleSpec
    """All of ``bundle.yaml``."""
    recorded: dict[str, np.ndarray]
    """Steps of the policy in training's own simulation; see :data:`arrays.RECORDED`."""
    reference: dict[str, np.ndarray] | None
    """The clips it follows, see :data:`arrays.REFERENCE`; None where it follows none."""

    def file(self, name: str) -> Path:
        """Path of a file of the bundle.

        Raises:
            RunError: The bundle has no such file.
        """
        if name not in self.spec.files:
            raise RunError(f"{self.folder} has no {name}; it has {', '.join(self.spec.files)}")
        return self.folder / name

    def joint_array(self, field: str) -> np.ndarray:
        """A field of all driven joints, such as "stiffness", in the order of the actions. (J,) float64"""
        return joint_array(self.spec, field)

    def clip_frames(self, name: str) -> range:
        """Frames of a clip in the arrays of ``reference``.

        Raises:
            RunError: The bundle holds no such clip.
        """
        names = [] if self.reference is None else self.reference["clip_names"].tolist()
        if name not in names:
            raise RunError(f"{self.folder} holds no clip {name}; clips: {', '.join(names) or 'none'}")
        index = names.index(name)
        start, length = (int(self.reference[key][index]) for key in ("clip_start", "clip_length"))
        return range(start, start + length)

    def joint_targets(
        self, action: np.ndarray, previous_action: np.ndarray, frame: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Clip, smooth and scale a policy's answer as the training env does.

        Args:
            action: The policy's output. (J,)
            previous_action: What this method returned first one step before. (J,)
            frame: Reference frame the policy saw; None for a policy that follows no clip.

        Returns:
            The action as applied and what the servos are told (rad, rad/s or N m by ``action.type``), (J,) each.
        """
        offset = zero_targets(self.spec)
        if self.reference is not None:
            offset = self.reference["target_offset"][offset_rows(self.reference, np.asarray(frame))]
        return joint_targets(self.spec, action, previous_action, offset)

    def motor_torques(self, targets: np.ndarray, position: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """What training's servos give for their targets (J,), at joint angles (J,) and velocities (J,). (J,) N m"""
        return motor_torques(self.spec, targets, position, velocity)

    def check_policy(self, policy: Callable[[np.ndarray], np.ndarray], runtime: str) -> float:
        """Make a runtime reproduce the recorded actions, step by step as it will be used.

        Args:
            policy: Observations (1, D) float32 to actions (1, J).
            runtime: Its name, for the message.

        Returns:
            The largest :func:`arrays.action_error`.

        Raises:
            RunError: That is above 1e-5, or the output has another shape.
        """
        expected = self.recorded["actions"]
        outputs = [np.asarray(policy(row[None])) for row in self.recorded["observations"]]
        for output in outputs:
            if output.shape != (1, expected.shape[1]):
                raise RunError(
                    f"{self.folder}: {runtime} returns shape {output.shape}, not (1, {expected.shape[1]})"
                )
        error = action_error(np.concatenate(outputs), expected)
        if not error <= ACTION_TOLERANCE:  # also when it is NaN
            raise RunError(f"{self.folder}: actions of {runtime} are {error:.2g} off the recorded ones")
        return error


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle and check all of it: fields, file hashes, array names, shapes and values, recorded targets.

    Raises:
        RunError: Something is missing, unknown or contradictory; names it.
    """
    folder = Path(folder)
    source = str(folder)
    if not folder.is_dir():
        raise RunError(f"no bundle folder {folder}")
    spec = spec_from_plain(_read_yaml(folder / BUNDLE_FILE), f"{folder / BUNDLE_FILE}")
    for name, digest in spec.files.items():
        _check_file(folder / name, digest)
    reference = None if spec.tracking is None else _read_arrays(folder / REFERENCE_FILE)
    if reference is not None:
        check_reference(spec, reference, source)
    recorded = _read_arrays(folder / RECORDED_FILE)
    check_recorded(spec, recorded, reference, source)
    return Bundle(folder, spec, recorded, reference)


def _read_yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path.parent} is not a bundle: it has no {path.name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RunError(f"cannot read {path}: {error}") from None


def _check_file(path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"cannot read {path}, which the bundle lists: {error.strerror}") from None
    if found != digest:
        raise RunError(f"{path} is not the file that was exported: its SHA-256 differs from the bundle's")


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(f"cannot read {path}: {error}") from None
