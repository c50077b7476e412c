"""A bundle of two joints and two clips, made with numpy alone; its network files hold nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.deploy.buses import domain, robot_process, sim_robot, transport  # noqa: F401  (fixtures)
from tests.deploy.flights import fly, program, student_bundle, tracker_bundle  # noqa: F401  (fixtures)

BETA, CLIP, SCALES = 0.5, 2.0, np.array([0.5, 0.25])
NUM_STEPS, CLIP_LENGTHS = 4, (3, 5)


def joint(name: str, scale: float) -> dict[str, Any]:
    numbers = {"stiffness": 40.0, "damping": 2.0, "effort_limit": 50.0, "velocity_limit": 20.0}
    return {"name": name, "default_pos": 0.1, **numbers, "lower": -1.0, "upper": 1.0, "action_scale": scale}


def description() -> dict[str, Any]:
    """A valid bundle.yaml but for the hashes of its files."""
    locked = {"name": "wrist", "position": 0.0, "stiffness": 14.0, "damping": 0.9, "effort_limit": 5.0}
    return {
        "schema_version": 3,
        "task": "toy",
        "robot": "toy",
        "joints": [joint("hip", SCALES[0].item()), joint("knee", SCALES[1].item())],
        "locked_joints": [locked],
        "motor_order": ["hip", "wrist", "knee"],
        "action": {"type": "residual", "feed_forward": "none", "clip": CLIP, "beta": BETA},
        "rates": {"control_dt": 0.02, "physics_dt": 0.005, "decimation": 4},
        "policy": {"input": "observations", "output": "actions", "normalizer": "inside"},
        "observation": {
            "size": 8,
            "clip": 100.0,
            "history_order": "newest_first",
            "scales": {"lin_vel": 2.0, "ang_vel": 0.25, "dof_pos": 1.0, "dof_vel": 0.05},
            "terms": [
                {"name": "dof_pos", "start": 0, "stop": 2, "history": 1, "scale": 1.0, "clip": None},
                {"name": "history_dof_vel", "start": 2, "stop": 8, "history": 3, "scale": 0.05, "clip": 20.0},
            ],
        },
        "tracking": {
            "anchor_body": "torso",
            "anchor_chain": [
                {
                    "body": "torso",
                    "pos": [0.0, 0.0, 0.3],
                    "quat_wxyz": [1.0, 0.0, 0.0, 0.0],
                    "joint": "hip",
                    "axis": [0.0, 1.0, 0.0],
                }
            ],
            "tracked_bodies": ["torso"],
            "upper_body_joints": ["hip"],
            "future_frames": 1,
        },
        "velocity": None,
        "height_map": None,
        "files": {},
        "provenance": {
            "created": "2026-01-01T00:00:00+00:00",
            "package_version": "0.1.0",
            "git_commit": None,
            "git_modified": None,
            "run": "a_run",
            "iteration": 10,
            "samples": None,
            "clips": [{"name": name, "file": f"{name}.npz", "sha256": "0" * 64} for name in ("walk", "wave")],
            "evaluation": None,
            "config": {"env": {"sim": {"dt": 0.005}}},
        },
    }


def reference_arrays() -> dict[str, np.ndarray]:
    frames = sum(CLIP_LENGTHS)
    rng = np.random.default_rng(1)
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (frames, 1))
    return {
        "joint_names": np.array(["hip", "knee"]),
        "clip_names": np.array(["walk", "wave"]),
        "clip_start": np.array([0, CLIP_LENGTHS[0]]),
        "clip_length": np.array(CLIP_LENGTHS),
        **{name: rng.normal(size=(frames, 2)) for name in ("target_offset", "dof_pos", "dof_vel")},
        **{
            f"{body}_{kind}": rng.normal(size=(frames, 3))
            for body, kind in (
                ("root", "pos_w"),
                ("root", "lin_vel_w"),
                ("root", "ang_vel_w"),
                ("anchor", "pos_w"),
            )
        },
        "root_quat_wxyz": upright,
        "anchor_quat_wxyz": upright,
    }


def recorded_arrays(reference: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Four steps at the end of the first clip and in the second one."""
    rng = np.random.default_rng(2)
    actions = rng.uniform(-CLIP, CLIP, (NUM_STEPS, 2))
    previous = rng.uniform(-CLIP, CLIP, (NUM_STEPS, 2))
    applied = BETA * actions + (1.0 - BETA) * previous
    rows = [2, 2, 4, 5]  # one frame on from frames 1 to 4, but frame 2 is the last of its clip
    return {
        "observations": rng.normal(size=(NUM_STEPS, 8)).astype(np.float32),
        "actions": actions.astype(np.float32),
        "previous_actions": previous.astype(np.float32),
        "joint_targets": (reference["target_offset"][rows] + SCALES * applied).astype(np.float32),
        "reference_frames": np.array([1, 2, 3, 4]),
    }


Change = Callable[[dict[str, Any], dict[str, np.ndarray], dict[str, np.ndarray]], object]


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[[Change | None], Path]:
    """Writes a bundle after ``change(description, recorded, reference)``; hashes fit whatever is written."""

    def make(change: Change | None = None) -> Path:
        folder = tmp_path / "bundle"
        folder.mkdir()
        content, reference = description(), reference_arrays()
        recorded = recorded_arrays(reference)
        if change is not None:
            change(content, recorded, reference)
        np.savez(folder / "recorded.npz", **recorded)
        if content["tracking"] is not None:
            np.savez(folder / "reference.npz", **reference)
        for name in ("policy.pt", "policy.onnx"):
            (folder / name).write_bytes(b"network")
        content["files"] |= {
            f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())
        }
        (folder / "bundle.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return folder

    return make
