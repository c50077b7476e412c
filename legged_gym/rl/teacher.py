"""Policies that others learn from: read from a checkpoint or a bundle, and asked for their mean actions."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from tensordict import TensorDict
from torch import Tensor

from legged_gym.bundle import schema
from legged_gym.bundle.arrays import ACTION_TOLERANCE, action_error
from legged_gym.bundle.parse import spec_from_plain
from legged_gym.bundle.schema import BundleSpec
from legged_gym.rl.checkpoint import YOUNGER_KEYS, read_checkpoint
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.warm_start import policy_cfg_of
from legged_gym.utils import paths
from legged_gym.utils.errors import RunError

GROUP = "actor"
"""The observation group that a policy sees."""
STD = "distribution.std_param"
"""Where a checkpoint's actor has the standard deviation of its actions."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained policy that can be asked what it would do."""

    name: str
    """What it was read from."""
    policy: Callable[[Tensor], Tensor]
    """Observations (N, D) to mean actions (N, J)."""
    layout: list[dict[str, Any]]
    """Terms of its observations in order: name, start, stop, history, scale, clip."""
    joint_names: tuple[str, ...] | None
    """Joints it drives, in the order of its actions; None where its env named none."""
    space: dict[str, Any]
    """What its actions mean, for the env's ``action_translator``: "env", the configuration of the env it was trained
    in; and from a bundle "joint_names", "type", "feed_forward", "clip", "beta", "control_dt", "default_pos",
    "action_scale", "stiffness" and "damping" besides, the last four with one number per joint."""
    std: Tensor | None
    """(J,) standard deviation of its actions in training; None where only its mean is known."""
    clip: float
    """Its actions are limited to +- this."""
    is_jitted: bool
    """Whether it is a TorchScript."""

    @torch.no_grad()
    def act(self, observations: Tensor) -> Tensor:
        """Mean actions (N, J) for observations (N, D), within its action limit."""
        return self.policy(observations).clamp(-self.clip, self.clip)


def load_teacher(place: str | Path, device: str = "cpu") -> Teacher:
    """Read a trained policy.

    Args:
        place: A run folder (its newest checkpoint counts) or the name of one under logs/, a checkpoint, a bundle's
            folder or zip, or the TorchScript of a bundle, with ``bundle.yaml`` beside it.
        device: Where it computes.

    Raises:
        RunError: There is no such thing, or it cannot be read, or it is not what it says.
    """
    path = _find(str(place))
    if path.is_dir() and not (path / schema.BUNDLE_FILE).is_file():
        path = paths.find_checkpoint(path)
    if path.is_dir():
        return _from_bundle(path, path.name, lambda name: _read(path / name), device)
    if not zipfile.is_zipfile(path):
        raise RunError(f"teacher {path} is neither a checkpoint nor a bundle, or it is cut off")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if schema.BUNDLE_FILE in names:
            return _from_bundle(path, path.stem, lambda name: _member(archive, name, path), device)
    if any(name.endswith("/constants.pkl") for name in names):  # which torch.save does not write
        if not (path.parent / schema.BUNDLE_FILE).is_file():
            raise RunError(
                f"teacher {path} is a TorchScript without {schema.BUNDLE_FILE} beside it, so nobody knows what it "
                "sees; name its run, a checkpoint or a bundle"
            )
        if path.name != schema.TORCHSCRIPT_FILE:
            raise RunError(f"teacher {path}: the TorchScript of a bundle is {schema.TORCHSCRIPT_FILE}")
        return load_teacher(path.parent, device)
    return _from_checkpoint(path, device)


def _find(place: str) -> Path:
    """The file or folder that is meant."""
    path = Path(place).expanduser()
    if path.exists():
        return path
    root = paths.logs_root()
    if path.name == place:
        found = sorted(root.glob(f"*/{place}"))
        if len(found) == 1:
            return found[0]
        if found:
            raise RunError(f"teacher {place} is in {', '.join(str(run) for run in found)}; give the folder")
    runs = sorted((run for run in root.glob("*/*") if run.is_dir()), key=lambda run: run.name, reverse=True)
    listed = ", ".join(f"{run.parent.name}/{run.name}" for run in runs[:10]) or "none"
    raise RunError(
        f"no teacher {place}: no such file or folder, and no such run in {root}; newest runs: {listed}"
    )


# ---------------------------------------------------------------------- checkpoints


def _from_checkpoint(path: Path, device: str) -> Teacher:
    content = read_checkpoint(path, device)
    layout = content["observation_layout"]
    if layout is None:
        raise RunError(f"teacher {path} does not name its observations, so they cannot be made for it")
    weights = content["policy_state_dict"]
    zeros = {group: torch.zeros(1, terms[-1]["stop"]) for group, terms in layout.items()}
    actor, _ = build_actor_critic(
        TensorDict(zeros, batch_size=[1]), len(weights[STD]), policy_cfg_of(content), layout
    )
    try:
        actor.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"teacher {path} does not hold the networks it describes: {error}") from None
    actor = actor.to(device).eval().requires_grad_(False)
    env = content["config"].get("env") or {}
    names = content["joint_names"]
    return Teacher(
        name=f"{path.parent.name}/{path.name}",
        policy=lambda observations: actor.mlp(actor.obs_normalizer(observations)),
        layout=[{**YOUNGER_KEYS, **term} for term in layout[GROUP]],
        joint_names=None if names is None else tuple(names),
        space={"env": env},
        std=weights[STD].clone(),
        clip=float(env.get("normalization", {}).get("clip_actions", math.inf)),
        is_jitted=False,
    )


# ---------------------------------------------------------------------- bundles


def _from_bundle(path: Path, name: str, read: Callable[[str], bytes], device: str) -> Teacher:
    """The teacher of a bundle, whose files ``read`` gives by name."""
    where = f"teacher {path}: {schema.BUNDLE_FILE}"
    try:
        spec = spec_from_plain(yaml.safe_load(read(schema.BUNDLE_FILE)), where)
    except yaml.YAMLError as error:
        raise RunError(f"{where} is not YAML: {' '.join(str(error).split())}") from None
    data = read(schema.TORCHSCRIPT_FILE)
    if hashlib.sha256(data).hexdigest() != spec.files.get(schema.TORCHSCRIPT_FILE):
        raise RunError(f"{where}: {schema.TORCHSCRIPT_FILE} is not the file that was exported")
    try:
        script = torch.jit.load(io.BytesIO(data), map_location=device).eval()
    except RuntimeError as error:
        raise RunError(f"teacher {path}: cannot read {schema.TORCHSCRIPT_FILE}: {error}") from None
    recorded = np.load(io.BytesIO(read(schema.RECORDED_FILE)))
    with torch.no_grad():
        actions = script(torch.as_tensor(recorded["observations"], device=device)).cpu().numpy()
    error = action_error(actions, recorded["actions"])
    if not error <= ACTION_TOLERANCE:
        raise RunError(f"teacher {path}: its actions are {error:.2g} off the recorded ones")
    return Teacher(
        name=name,
        policy=script,
        layout=[asdict(term) for term in spec.observation.terms],
        joint_names=spec.joint_names,
        space=_space_of(spec),
        std=None,
        clip=spec.action.clip,
        is_jitted=True,
    )


def _space_of(spec: BundleSpec) -> dict[str, Any]:
    """See :attr:`Teacher.space`."""
    fields = ("default_pos", "action_scale", "stiffness", "damping")
    return {
        "env": _mapping(spec.provenance.config.get("env")),
        "joint_names": spec.joint_names,
        **asdict(spec.action),
        "control_dt": spec.rates.control_dt,
        **{field: [getattr(joint, field) for joint in spec.joints] for field in fields},
    }


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RunError(f"teacher {file.parent}: cannot read {file.name}: {error.strerror}") from None


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        return archive.read(name)
    except (KeyError, zipfile.BadZipFile):
        raise RunError(f"teacher {path}: cannot read {name}") from None
