"""What the reader gives and what it refuses. ``conftest.py`` makes the bundle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from legged_gym.deploy.bundle import read_bundle
from legged_gym.utils.errors import RunError

REPO = Path(__file__).resolve().parents[2]


def test_joint_numbers_come_in_the_order_of_the_actions(make_bundle):
    bundle = read_bundle(make_bundle())
    assert bundle.spec.joint_names == ("hip", "knee")
    np.testing.assert_array_equal(bundle.joint_array("action_scale"), [0.5, 0.25])
    assert bundle.joint_array("stiffness").dtype == np.float64


def test_clip_frames_are_places_in_the_reference(make_bundle):
    bundle = read_bundle(make_bundle())
    assert bundle.clip_frames("walk") == range(0, 3)
    assert bundle.clip_frames("wave") == range(3, 8)
    with pytest.raises(RunError, match="no clip run; clips: walk, wave"):
        bundle.clip_frames("run")


def test_joint_targets_clip_smooth_scale_and_look_one_frame_ahead(make_bundle):
    bundle = read_bundle(make_bundle())
    offset = bundle.reference["target_offset"]
    # 5 is clipped to 2, then halfway from the previous 1: 1.5, of which a unit is 0.5 rad
    applied, targets = bundle.joint_targets(np.array([5.0, 0.0]), np.array([1.0, 0.0]), frame=3)
    np.testing.assert_allclose(applied, [1.5, 0.0])
    np.testing.assert_allclose(targets, offset[4] + [0.75, 0.0])
    for last in (2, 7):  # of either clip: held, not the next clip's first
        _, targets = bundle.joint_targets(np.zeros(2), np.zeros(2), frame=last)
        np.testing.assert_allclose(targets, offset[last])


def test_without_clips_a_zero_action_is_the_default_pose(make_bundle):
    bundle = read_bundle(make_bundle(of_type("P")))
    assert bundle.reference is None
    np.testing.assert_allclose(bundle.joint_targets(np.zeros(2), np.zeros(2))[1], [0.1, 0.1])


def of_type(kind: str):
    """A bundle that follows nothing and whose recorded targets are those of an action type, with pose 0.1."""

    def change(spec, recorded, _reference):
        spec["tracking"], spec["action"]["type"], spec["provenance"]["clips"] = None, kind, []
        del recorded["reference_frames"]
        applied = 0.5 * (recorded["actions"] + recorded["previous_actions"])
        recorded["joint_targets"] = (0.1 if kind == "P" else 0.0) + applied * np.array([0.5, 0.25])

    return change


@pytest.mark.parametrize(
    ("kind", "torques"),
    # Targets 0.5 and -40 at angles 0.2 and 0 and speeds 1 and 0; stiffness 40, damping 2, at most 50 N m
    [("P", [10.0, -50.0]), ("DIRECT", [10.0, -50.0]), ("V", [-1.0, -50.0]), ("T", [0.5, -40.0])],
)
def test_servos_are_told_angles_speeds_or_torques(make_bundle, kind, torques):
    bundle = read_bundle(make_bundle(of_type(kind)))
    pose = 0.1 if kind == "P" else 0.0
    np.testing.assert_allclose(bundle.joint_targets(np.ones(2), np.ones(2))[1], [pose + 0.5, pose + 0.25])
    got = bundle.motor_torques(np.array([0.5, -40.0]), np.array([0.2, 0.0]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(got, torques)


def test_a_bundle_of_version_1_is_read_as_it_was_meant(make_bundle):
    def old(spec, *_):
        spec["schema_version"] = 1
        del spec["velocity"], spec["height_map"], spec["tracking"]["anchor_chain"]
        for term in spec["observation"]["terms"]:
            del term["scale"], term["clip"]

    bundle = read_bundle(make_bundle(old))
    assert [(term.scale, term.clip) for term in bundle.spec.observation.terms] == [(1.0, None)] * 2
    assert (bundle.spec.schema_version, bundle.spec.tracking.anchor_chain) == (3, None)


def test_a_bundle_of_version_1_has_no_fields_of_version_2(make_bundle):
    def mixed(spec, *_):
        spec["schema_version"] = 1
        del spec["observation"]["terms"][0]["clip"]

    with pytest.raises(RunError, match=r"terms\[0\]\.clip is missing"):
        read_bundle(make_bundle(mixed))


def test_a_runtime_must_reproduce_the_recorded_actions(make_bundle):
    bundle = read_bundle(make_bundle())
    answers = {
        o.tobytes(): a
        for o, a in zip(*(bundle.recorded[k] for k in ("observations", "actions")), strict=True)
    }
    assert bundle.check_policy(lambda x: answers[x[0].tobytes()][None], "a table") == 0.0
    with pytest.raises(RunError, match="actions of a table are"):
        bundle.check_policy(lambda x: answers[x[0].tobytes()][None] + 1e-4, "a table")
    with pytest.raises(RunError, match="nan"):
        bundle.check_policy(lambda x: np.full((1, 2), np.nan), "a table")
    with pytest.raises(RunError, match=r"shape \(1, 3\), not \(1, 2\)"):
        bundle.check_policy(lambda x: np.zeros((1, 3)), "a table")


def put(path: str, value: object):
    """A change of one entry of bundle.yaml."""
    *groups, name = path.split(".")

    def change(spec, _recorded, _reference):
        for group in groups:
            spec = spec[int(group) if group.isdigit() else group]
        spec[name] = value

    return change


GRID = {"term": "dof_pos", "body": "torso", "size": [0.1, 0.0], "resolution": 0.1, "max_distance": 5.0}
GRID |= {"only_heading": True, "flat_distance": 0.8}
VELOCITY = {"lin_vel_x": [-1.0, 1.0], "lin_vel_y": [0.0, 0.0], "ang_vel_yaw": [0.0, 0.0]}
VELOCITY |= {"max_speed": 1.0, "dead_band": 0.1, "gait_period": 0.8}
REFUSED = {
    "newer schema": (put("schema_version", 4), "schema version 4; this package reads 1, 2, 3"),
    "unknown field": (put("colour", "red"), "unknown field colour"),
    "unknown field within": (put("action.delay", 0.0), "unknown field action.delay"),
    "missing field": (lambda s, *_: s["rates"].pop("decimation"), "field rates.decimation is missing"),
    "text for a number": (put("joints.0.stiffness", "40"), r"joints\[0\].stiffness is '40'"),
    "infinite gain": (put("joints.1.damping", float("inf")), "must be a finite number"),
    "unknown action type": (put("action.type", "torque"), "must be P or residual or DIRECT or V or T"),
    "feed-forward of speeds": (
        lambda s, *_: s["action"].update(type="V", feed_forward="pd"),
        "feed_forward is pd; with action.type V it must be none",
    ),
    "speeds without a gain": (
        lambda s, *_: (s["action"].update(type="V"), s["joints"][1].update(damping=0.0)),
        "knee has damping 0, with which action.type V moves nothing",
    ),
    "scale 0": (put("observation.terms.1.scale", 0.0), "history_dof_vel has scale 0.0"),
    "clip 0": (put("observation.terms.0.clip", 0.0), "dof_pos has scale 1.0 and clip 0.0"),
    "beta": (put("action.beta", 1.5), "action.beta is 1.5"),
    "rates": (put("rates.decimation", 5), "rates: control_dt"),
    "joint twice": (put("joints.1.name", "hip"), "hip more than once"),
    "motor left out": (put("motor_order", ["hip", "knee"]), "motor_order .* differs by wrist"),
    "limits swapped": (put("joints.0.lower", 2.0), "hip has lower 2.0 and upper 1.0"),
    "gap between terms": (put("observation.terms.1.start", 3), "history_dof_vel covers 3 to 8"),
    "size": (put("observation.size", 9), "observation.size is 9, but its terms end at 8"),
    "history": (put("observation.terms.1.history", 4), "cannot hold 4 steps"),
    "residual without clips": (put("tracking", None), "needs a reference"),
    "unknown upper body": (put("tracking.upper_body_joints", ["elbow"]), "elbow, which the policy does not"),
    "link without a place": (
        put("tracking.anchor_chain.0.pos", [0.0, 0.0]),
        "anchor_chain: torso pos has 2 numbers; it must have 3",
    ),
    "range of one number": (put("velocity", VELOCITY | {"lin_vel_x": [1.0]}), "velocity.lin_vel_x has 1"),
    "stride of no time": (put("velocity", VELOCITY | {"gait_period": 0.0}), "gait_period is 0.0"),
    "another map": (put("height_map", GRID | {"size": [0.2, 0.0]}), "1 x 3, but the term dof_pos has 2"),
    "map of no term": (put("height_map", GRID | {"term": "ground"}), "the term ground has None"),
    "one joint less": (lambda s, *_: s["joints"].pop() and s["motor_order"].remove("knee"), "has shape"),
    "joint order": (lambda s, *_: s["joints"].reverse(), "joint_names differ"),
    "another scale": (put("joints.1.action_scale", 0.3), "joint_targets of knee"),
    "clip not listed": (lambda s, *_: s["provenance"]["clips"].pop(), "clip_names"),
    "observation width": (
        lambda s, rec, ref: rec.update(observations=rec["observations"][:, 1:]),
        "observations has",
    ),
    "actions too few": (lambda s, rec, ref: rec.update(actions=rec["actions"][:3]), "actions has shape"),
    "action over the clip": (lambda s, rec, ref: rec["actions"].__setitem__(0, 3.0), "actions exceed"),
    "NaN": (lambda s, rec, ref: rec["observations"].__setitem__(0, np.nan), "observations holds values"),
    "array missing": (lambda s, rec, ref: rec.pop("previous_actions"), "previous_actions is missing"),
    "array unknown": (lambda s, rec, ref: rec.update(extra=np.zeros(2)), "unknown array extra"),
    "frame outside": (lambda s, rec, ref: rec["reference_frames"].__setitem__(0, 8), "lie outside"),
    "frames as floats": (lambda s, rec, ref: rec.update(reference_frames=np.zeros(4)), "whole numbers"),
    "reference width": (
        lambda s, rec, ref: ref.update(root_pos_w=ref["root_pos_w"][:, :2]),
        "root_pos_w has",
    ),
    "clips overlap": (lambda s, rec, ref: ref["clip_start"].__setitem__(1, 2), "do not divide"),
    "quaternion": (lambda s, rec, ref: ref["root_quat_wxyz"].__setitem__(0, 1.0), "not of length 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_by_name(make_bundle, name):
    change, message = REFUSED[name]
    with pytest.raises(RunError, match=message):
        read_bundle(make_bundle(change))


def test_refuses_a_file_that_no_reader_knows(make_bundle):
    with pytest.raises(RunError, match=r"files names policy.tflite; known: policy.pt, policy.onnx"):
        read_bundle(make_bundle(lambda spec, *_: spec["files"].update({"policy.tflite": "0" * 64})))


@pytest.mark.parametrize("name", ["policy.pt", "policy.onnx", "recorded.npz", "reference.npz"])
def test_refuses_a_missing_file_and_one_that_was_changed(make_bundle, name):
    folder = make_bundle()
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(RunError, match=f"{name} is not the file that was exported"):
        read_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(RunError, match=f"{name}, which the bundle lists"):
        read_bundle(folder)


def test_refuses_what_is_no_bundle(tmp_path):
    with pytest.raises(RunError, match="no bundle folder"):
        read_bundle(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"not a bundle: it has no bundle.yaml"):
        read_bundle(tmp_path)
    (tmp_path / "bundle.yaml").write_text("[1, 2")
    with pytest.raises(RunError, match="cannot read"):
        read_bundle(tmp_path)
    (tmp_path / "bundle.yaml").write_text("task: toy")
    with pytest.raises(RunError, match="no schema_version"):
        read_bundle(tmp_path)


def test_opens_where_neither_torch_nor_mujoco_is_installed(make_bundle):
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "mujoco", "rsl_rl", "tensordict", "scipy", "onnxruntime"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
from legged_gym.deploy.bundle import read_bundle
read_bundle({str(make_bundle())!r})
print(*sorted(name for name in sys.modules if name.startswith("legged_gym.")))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rooms = {name.split(".")[1] for name in result.stdout.split()}
    assert rooms == {"bundle", "deploy", "utils"}
