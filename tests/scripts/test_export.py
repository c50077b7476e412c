"""export.py on a G1 run that was never trained: from a checkpoint to a bundle that a robot's reader accepts."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from legged_gym.deploy.bundle import read_bundle
from legged_gym.deploy.policy import load_policy
from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import write_npz
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.scripts.export import export
from legged_gym.scripts.train import train
from legged_gym.sim.robot_model import build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils import task_registry
from legged_gym.utils.config import to_dict
from legged_gym.utils.errors import ConfigError, RunError
from legged_gym.utils.run_config import save_run_config

RUN = Path("logs/g1_deepmimic/20260101_000000_untrained")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a clip of one second and a run whose policy tracks it with feed-forward."""
    folder = tmp_path_factory.mktemp("export")
    robot, t = build_robot(AssetCfg(), ActuatorCfg()), np.arange(51) / 50.0
    dof_pos = np.tile(robot.default_dof_pos, (len(t), 1))
    dof_pos[:, robot.joint_names.index("left_elbow_joint")] += 0.4 * np.sin(2.0 * np.pi * t)
    root = np.tile([0.0, 0.0, robot.default_root_height], (len(t), 1))
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (len(t), 1))
    clip = Clip("bend", 50.0, robot.joint_names, dof_pos, root, upright)
    write_npz(clip, folder / "bend.npz")

    cfg = task_registry.get("g1_deepmimic").configure()
    cfg.env.env.num_envs, cfg.env.sim.num_threads = 4, 1
    cfg.env.control.feed_forward, cfg.env.control.beta = "inverse_dynamics", 0.8
    cfg.env.deepmimic.amass_replay_data_path = [str(folder / "bend.npz")]
    env = task_registry.get("g1_deepmimic").load_env_class()(cfg.env, seed=1)
    (folder / RUN).mkdir(parents=True)
    save_run_config(folder / RUN, "g1_deepmimic", cfg)
    OnPolicyRunner(env, cfg.train, task_cfg=to_dict(cfg)).save(folder / RUN / "model_0.pt")
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_g1_bundle_opens_and_runs(folder):
    export(["--task=g1_deepmimic", "--out=policy", "--record_steps=60"])
    bundle = read_bundle(folder / "policy")  # checks the recorded joint targets against the reference's
    ort = onnxruntime.InferenceSession(bundle.file("policy.onnx"))
    bundle.check_policy(lambda x: ort.run(None, {"observations": x})[0], "onnxruntime")
    spec = bundle.spec
    assert len(spec.joints) == 23
    assert len(spec.motor_order) == 29
    assert all("wrist" in joint.name for joint in spec.locked_joints)
    assert (spec.rates.physics_dt, spec.rates.decimation) == (0.01, 2)  # as trained, not as evaluated
    assert spec.provenance.clips[0].sha256 == hashlib.sha256(Path("bend.npz").read_bytes()).hexdigest()
    assert spec.provenance.config["env"]["env"]["num_envs"] == 4  # the run's, not the recording's
    assert spec.provenance.run == RUN.name
    # The residual's base: the reference and what its torques add, so more than the joint angles alone.
    reference = bundle.reference
    assert 1e-3 < np.abs(reference["target_offset"] - reference["dof_pos"]).max() < 1.0


def test_a_bundle_may_hold_one_of_the_networks(folder):
    export(["--task=g1_deepmimic", "--out=light", "--record_steps=5", "--format=onnx"])
    bundle = read_bundle(folder / "light")
    assert "policy.onnx" in bundle.spec.files
    assert not (folder / "light" / "policy.pt").exists()
    with pytest.raises(RunError, match=r"has no policy\.pt"):
        load_policy(bundle, "torchscript")


def test_a_policy_that_follows_commands_needs_no_clips(folder):
    train(
        ["--task=g1", "--num_envs=4", "--max_iterations=1", "--train.runner.num_steps_per_env=4",
         "--train.runner.num_threads=1", "--env.sim.num_threads=1", "--train.runner.logger=none"]
    )  # fmt: skip
    ahead = ["--env.commands.ranges.lin_vel_x=0.5,0.5", "--env.commands.ranges.lin_vel_y=0,0"]
    export(
        ["--task=g1", "--out=walker", "--record_steps=20", *ahead, "--env.commands.standing_share=0"]
    )  # too short to fall
    read = (
        "import sys; from legged_gym.deploy.bundle import read_bundle; bundle = read_bundle(sys.argv[1]);"
        "print(bundle.reference, 'torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", read, "walker"], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["None", "False"]
    bundle = read_bundle(folder / "walker")
    ort = onnxruntime.InferenceSession(bundle.file("policy.onnx"))
    bundle.check_policy(lambda x: ort.run(None, {"observations": x})[0], "onnxruntime")
    spec = bundle.spec
    assert (len(spec.joints), len(spec.locked_joints), len(spec.motor_order)) == (12, 17, 29)
    assert (spec.task, spec.action.type, spec.tracking, spec.provenance.clips) == ("g1", "P", None, ())
    terms = {term.name: slice(term.start, term.stop) for term in spec.observation.terms}
    seen = bundle.recorded["observations"]
    assert spec.observation.size == seen.shape[1] == 47
    # What a robot has to make itself: the command it is given, and the clock of the stride.
    config = spec.provenance.config["env"]
    command, clock = seen[:, terms["velocity_commands"]], seen[:, terms["gait_phase"]]
    np.testing.assert_allclose(command[:, :2], [[0.5, 0.0]] * len(seen))
    turn = np.diff(np.unwrap(np.arctan2(clock[:, 0], clock[:, 1])))
    np.testing.assert_allclose(
        turn, 2.0 * np.pi * spec.rates.control_dt / config["gait"]["period"], atol=1e-4
    )


def test_wrong_input_leaves_nothing(folder):
    with pytest.raises(RunError, match="no run missing"):
        export(["--task=g1_deepmimic", "--load_run=missing", "--out=other"])
    with pytest.raises(RunError, match="no checkpoint 5"):
        export(["--task=g1_deepmimic", "--checkpoint=5", "--out=other"])
    with pytest.raises(RunError, match="does not fit this env"):
        export(["--task=g1_deepmimic", "--env.asset.locked_joints=[]", "--out=other"])
    with pytest.raises(ConfigError, match="unknown option --record_step;"):
        export(["--task=g1_deepmimic", "--record_step=5"])
    with pytest.raises(ConfigError, match="record_steps is 0"):
        export(["--task=g1_deepmimic", "--record_steps=0", "--out=other"])
    assert not (folder / "other").exists()
