"""Writes policy bundles: the trained network for two runtimes, its description, and steps to check it against."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rsl_rl.models import MLPModel
from tensordict import TensorDict
from torch import Tensor

from legged_gym.bundle import schema
from legged_gym.bundle.arrays import ACTION_TOLERANCE, action_error, check_recorded, check_reference
from legged_gym.bundle.parse import spec_from_plain, spec_to_plain
from legged_gym.bundle.schema import BundleSpec
from legged_gym.rl.exported_policy import ExportedPolicy
from legged_gym.rl.provenance import sha256_of
from legged_gym.utils.errors import DependencyError, RunError

ONNX_OPSET = 17
YAML_WIDTH = 1000
"""Columns; wide enough to keep a joint or a list on one line."""

Policy = Callable[[Tensor], Tensor]
"""Observations (N, D) to actions (N, J)."""


def export_bundle(
    out: Path,
    actor: MLPModel,
    spec: BundleSpec,
    record: Callable[[Policy], Mapping[str, np.ndarray]],
    reference: Mapping[str, np.ndarray] | None,
    policy_files: Sequence[str] = schema.POLICY_FILES,
) -> BundleSpec:
    """Write a bundle and put it in place once every runtime has reproduced the recorded actions.

    Args:
        out: Folder to make. One that is there is replaced if it is empty or a bundle.
        actor: The trained policy; stays as it is.
        spec: Describes its interface; ``files`` is filled in here.
        record: Runs the policy it is given and returns arrays as :data:`arrays.RECORDED` names them.
        reference: Arrays as :data:`arrays.REFERENCE` names them, for policies that follow clips.
        policy_files: Which of ``schema.POLICY_FILES`` to write.

    Returns:
        The description as written.

    Raises:
        RunError: The folder cannot be written or is not ours to replace, the recording does not follow from the
            description, or a runtime gives other actions than the trained policy.
        DependencyError: onnxruntime is not installed.
    """
    out = Path(out).resolve()
    check_destination(out)
    if schema.ONNX_FILE in policy_files:
        _onnxruntime()
    exported = ExportedPolicy(actor, spec)
    exported.eval().requires_grad_(False)
    recorded = record(
        lambda observations: _act(actor, observations).clamp(-spec.action.clip, spec.action.clip)
    )
    with _temporary_folder(out) as folder:
        if schema.TORCHSCRIPT_FILE in policy_files:
            (folder / schema.TORCHSCRIPT_FILE).write_bytes(_torchscript(exported))
        if schema.ONNX_FILE in policy_files:
            (folder / schema.ONNX_FILE).write_bytes(_onnx(exported, spec))
        np.savez_compressed(folder / schema.RECORDED_FILE, **recorded)
        if reference is not None:
            np.savez_compressed(folder / schema.REFERENCE_FILE, **reference)
        spec = dataclasses.replace(spec, files={f.name: sha256_of(f) for f in sorted(folder.iterdir())})
        text = to_yaml(spec)
        (folder / schema.BUNDLE_FILE).write_text(text, encoding="utf-8")
        spec_from_plain(yaml.safe_load(text), str(out / schema.BUNDLE_FILE))
        if reference is not None:
            check_reference(spec, reference, str(out))
        check_recorded(spec, recorded, reference, str(out))
        _check_runtimes(folder, spec, recorded)
        _put_in_place(folder, out)
    return spec


def check_destination(out: Path) -> None:
    """Make sure that a bundle may be written to a folder: there is none, or it is empty, or it is a bundle.

    Raises:
        RunError: Names what is in the way.
    """
    if not out.exists():
        parent = next(folder for folder in out.absolute().parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            reason = "no permission" if parent.is_dir() else "it is a file"
            raise RunError(f"cannot write bundle {out} into {parent}: {reason}")
        return
    if not out.is_dir():
        raise RunError(f"cannot write a bundle to {out}: it is a file")
    names = sorted(entry.name for entry in out.iterdir())
    foreign = [name for name in names if name not in (schema.BUNDLE_FILE, *schema.DATA_FILES)]
    if foreign:
        raise RunError(f"{out} will not be replaced: it holds {foreign[0]}, which is not part of a bundle")
    if names and schema.BUNDLE_FILE not in names:
        raise RunError(f"{out} will not be replaced: it holds files but no {schema.BUNDLE_FILE}")


def to_yaml(spec: BundleSpec) -> str:
    """The text of ``bundle.yaml``, with one line per joint, term and clip."""
    return yaml.dump(
        _rows(spec_to_plain(spec)), Dumper=_Dumper, sort_keys=False, width=YAML_WIDTH, allow_unicode=True
    )


def _act(actor: MLPModel, observations: Tensor) -> Tensor:
    """The trained network's mean actions, as rsl_rl computes them. (N, D) -> (N, J)"""
    (group,) = actor.obs_groups
    return actor(TensorDict({group: observations}, batch_size=len(observations)))


def _torchscript(policy: ExportedPolicy) -> bytes:
    buffer = io.BytesIO()
    with _quiet():
        torch.jit.save(torch.jit.script(policy), buffer)
    return buffer.getvalue()


def _onnx(policy: ExportedPolicy, spec: BundleSpec) -> bytes:
    """The policy as ONNX, by the TorchScript exporter: it takes 0.2 s here, against 2 s of the newer one."""
    buffer = io.BytesIO()
    names = spec.policy.input, spec.policy.output
    with _quiet():
        torch.onnx.export(
            policy,
            (torch.zeros(1, spec.observation.size),),
            buffer,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=ONNX_OPSET,
            dynamo=False,
        )
    return buffer.getvalue()


def _check_runtimes(folder: Path, spec: BundleSpec, recorded: Mapping[str, np.ndarray]) -> None:
    """Run the files as written on the recorded observations, together and one at a time."""
    runtimes: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    if schema.TORCHSCRIPT_FILE in spec.files:
        runtimes[schema.TORCHSCRIPT_FILE] = _script_of(folder)
    if schema.ONNX_FILE in spec.files:
        runtimes[schema.ONNX_FILE] = _session_of(folder, spec)
    observations, expected = recorded["observations"], recorded["actions"]
    for name, run in runtimes.items():
        single = np.concatenate([run(row[None]) for row in observations])
        error = max(action_error(actions, expected) for actions in (run(observations), single))
        if not error <= ACTION_TOLERANCE:  # also when it is NaN
            raise RunError(
                f"{name} is {error:.2g} off the trained policy; at most {ACTION_TOLERANCE} is right"
            )


def _script_of(folder: Path) -> Callable[[np.ndarray], np.ndarray]:
    with _quiet():
        script = torch.jit.load(str(folder / schema.TORCHSCRIPT_FILE), map_location="cpu")
    return lambda x: script(torch.from_numpy(x)).numpy()


def _session_of(folder: Path, spec: BundleSpec) -> Callable[[np.ndarray], np.ndarray]:
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = str(folder / schema.ONNX_FILE)
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run([spec.policy.output], {spec.policy.input: x})[0]


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise DependencyError("export checks its result with onnxruntime; pip install onnxruntime") from None
    return onnxruntime


@contextmanager
def _quiet() -> Iterator[None]:
    """Both exporters announce their own deprecation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """A folder beside ``out``, gone at the end unless it was renamed."""
    folder = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise RunError(f"cannot write bundle {out}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_in_place(folder: Path, out: Path) -> None:
    """Rename a finished folder to ``out``, keeping what was there until that is done."""
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    replaces = out.exists()
    if replaces:
        out.rename(old)
    try:
        folder.rename(out)
    except OSError:
        if replaces:
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


class _Row(dict):
    """A mapping written on one line."""


class _Line(list):
    """A list written on one line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


_Dumper.add_representer(
    _Row, lambda dumper, row: dumper.represent_mapping("tag:yaml.org,2002:map", row, True)
)
_Dumper.add_representer(
    _Line, lambda dumper, line: dumper.represent_sequence("tag:yaml.org,2002:seq", line, True)
)


def _rows(value: Any) -> Any:
    """Mark what goes on one line: mappings within lists, and lists of scalars."""
    if isinstance(value, dict):
        return {key: _rows(item) for key, item in value.items()}
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return [_Row(item) if isinstance(item, dict) else item for item in value]
        return _Line(value)
    return value
