"""evaluate.py and play.py from their command lines, and the policy they load."""

from __future__ import annotations

import json
import logging

import imageio_ffmpeg
import pytest
import torch

from legged_gym.evaluation import sweep
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.scripts import _session
from legged_gym.scripts.evaluate import evaluate
from legged_gym.scripts.play import play
from legged_gym.scripts.train import train
from legged_gym.utils import paths, task_registry
from legged_gym.utils.errors import ConfigError, RunError

FEW = ["--task=g1_deepmimic", "--num_starts=3", "--num_from_start=2", "--env.sim.num_threads=1"]


@pytest.fixture
def run(workdir, small):
    """A run folder with the checkpoints 1 and 2 of a policy that has learned nothing."""
    train([*small, "--max_iterations=2", "--train.runner.save_interval=1"])
    return paths.list_runs("g1_deepmimic")[-1]


def make_env(clip_file):
    cfg = task_registry.get("g1_deepmimic").configure().env
    cfg.deepmimic.amass_replay_data_path, cfg.env.num_envs, cfg.sim.num_threads = [str(clip_file)], 4, 1
    return _session.build_env(task_registry.get("g1_deepmimic"), evaluation_config(cfg, "fine"), seed=1)


def test_evaluation_of_the_newest_run_lands_in_its_folder(run):
    evaluate(FEW)
    report = json.loads((run / "evaluation.json").read_text())
    origin = report["provenance"]
    assert (origin["task"], origin["policy"], origin["run"]) == ("g1_deepmimic", "checkpoint", run.name)
    assert (origin["iteration"], origin["samples"]) == (2, 2 * 8 * 4)
    assert origin["physics"] == {"dt_s": 0.005, "decimation": 4}
    assert report["total"]["episodes"] == report["clips"]["wave"]["episodes"] == 3
    assert report["total"]["from_start"]["episodes"] == 2
    assert (run / "evaluation.txt").stat().st_size > 0
    assert (run / "evaluation.png").stat().st_size > 0


def test_options_choose_checkpoint_physics_and_file(run):
    evaluate([*FEW, "--checkpoint=1", "--physics=as_trained", "--out=results/one.json"])
    provenance = json.loads((run.parents[2] / "results" / "one.json").read_text())["provenance"]
    assert provenance["iteration"] == 1
    assert provenance["physics"] == {"dt_s": 0.01, "decimation": 2}
    assert not (run / "evaluation.json").exists()


def test_typed_physics_win(run):
    evaluate([*FEW, "--env.sim.dt=0.02", "--env.control.decimation=1", "--out=one.json"])
    provenance = json.loads((run.parents[2] / "one.json").read_text())["provenance"]
    assert provenance["physics"] == {"dt_s": 0.02, "decimation": 1}


@pytest.mark.parametrize("policy", ["zero", "random"])
def test_policies_that_know_nothing_need_no_run(workdir, clip_file, policy):
    evaluate(
        [*FEW, f"--policy={policy}", f"--env.deepmimic.amass_replay_data_path={clip_file}", "--out=eval.json"]
    )
    report = json.loads((workdir / "eval.json").read_text())
    assert report["provenance"]["policy"] == policy
    assert report["provenance"]["checkpoint"] is None
    assert 0.0 <= report["total"]["success_rate"] <= 1.0


def test_a_task_without_clips_is_judged_by_the_commands_it_follows(workdir):
    evaluate(
        [
            "--task=g1",
            "--policy=zero",
            "--num_trials=3",
            "--num_envs=2",
            "--trial_seconds=1.5",
            "--env.sim.num_threads=1",
            "--out=eval.json",
        ]
    )
    report = json.loads((workdir / "eval.json").read_text())
    assert report["rules"] == {"fall_root_height_m": 0.4, "fall_tilt_rad": 1.0}
    assert report["provenance"]["trials"] == {"number": 3, "seconds": 1.5}
    assert report["provenance"]["physics"] == {"dt_s": 0.005, "decimation": 4}
    assert "clips" not in report["provenance"]
    assert report["total"]["trials"] == report["grounds"]["flat"]["trials"] == 3
    assert "falls" in (workdir / "eval.txt").read_text()
    assert (workdir / "eval.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def short_sweep(monkeypatch):
    """A sweep of two conditions."""
    monkeypatch.setattr(sweep, "CONDITIONS", (sweep.NOMINAL, sweep.CONDITIONS[-1]))


def test_a_sweep_lands_beside_the_evaluation_whose_figures_its_first_row_repeats(run, short_sweep, capsys):
    evaluate(FEW)
    normal = json.loads((run / "evaluation.json").read_text())
    level = logging.getLogger("legged_gym").level
    evaluate([*FEW, "--sweep"])
    assert logging.getLogger("legged_gym").level == level
    report = json.loads((run / "sweep.json").read_text())
    assert report["provenance"] == normal["provenance"] and report["rules"] == normal["rules"]
    assert report["conditions"]["nominal"]["total"] == normal["total"]
    assert report["conditions"]["nominal"]["clips"] == normal["clips"]
    changed = report["conditions"]["all, drawn"]
    assert changed["domain_rand"]["control_delay_max"] == 4 and changed["total"] != normal["total"]
    assert report["mean"]["success_rate"] == changed["total"]["success_rate"]
    assert json.loads((run / "evaluation.json").read_text()) == normal
    assert "all, drawn" in capsys.readouterr().out and "all, drawn" in (run / "sweep.txt").read_text()
    assert (run / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_a_sweep_of_a_task_without_clips_has_its_own_figures(workdir, short_sweep):
    walk = ["--task=g1", "--policy=zero", "--num_trials=2", "--num_envs=2", "--trial_seconds=0.5"]
    evaluate([*walk, "--env.sim.num_threads=1", "--sweep", "--out=sweep.json"])
    report = json.loads((workdir / "sweep.json").read_text())
    assert report["rules"] == {"fall_root_height_m": 0.4, "fall_tilt_rad": 1.0}
    rows = {name: row["total"] for name, row in report["conditions"].items()}
    assert rows["nominal"]["lin_vel_error_m_s"] != rows["all, drawn"]["lin_vel_error_m_s"]
    assert report["mean"]["lin_vel_error_m_s"] == rows["all, drawn"]["lin_vel_error_m_s"]


STUDENT = ["--task=g1_deepmimic_dagger", "--policy=zero", "--num_envs=2", "--env.sim.num_threads=1"]


def test_a_student_is_judged_by_joystick(workdir, capsys):
    short = ["--joystick", "--num_trials=2", "--trial_seconds=0.4"]
    evaluate([*STUDENT, *short, "--out=drive.json"])
    report = json.loads((workdir / "drive.json").read_text())
    assert report["provenance"]["clips"] == ["g1/stand.npz"]
    assert report["provenance"]["trials"] == {"number": 2, "seconds": 0.4}
    assert (report["total"]["trials"], report["rules"]["fall_root_height_m"]) == (2, 0.4)
    assert "falls" in capsys.readouterr().out
    assert (workdir / "drive.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_joystick_cannot_drive_is_refused_before_anything_is_built(workdir):
    with pytest.raises(ConfigError, match="no joystick can drive"):
        evaluate(["--task=g1_deepmimic", "--policy=zero", "--joystick"])
    with pytest.raises(ConfigError, match="goes with --joystick"):
        evaluate([*STUDENT, "--on=terrain"])


def test_a_sweep_in_steps_too_long_for_its_delays_is_refused(run):
    with pytest.raises(ConfigError, match="delay 5 ms"):
        evaluate([*FEW, "--sweep", "--physics=as_trained"])
    assert not (run / "sweep.json").exists()


def test_bad_input_is_one_error_before_anything_is_built(workdir, small):
    with pytest.raises(RunError, match="train first"):
        evaluate(FEW)
    with pytest.raises(ConfigError, match="num_starts"):
        evaluate(["--task=g1_deepmimic", "--policy=zero", "--num_starts=0"])
    (workdir / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        evaluate([*FEW, "--policy=zero", "--out=file/eval.json"])
    assert [entry.name for entry in workdir.iterdir()] == ["file"]


def test_play_prints_the_outcome_and_films_it(run, monkeypatch, capsys):
    monkeypatch.setenv("MUJOCO_GL", "off")
    play(["--task=g1_deepmimic", "--headless", "--video=film/out.mp4", "--env.sim.num_threads=1"])
    printed = capsys.readouterr().out
    assert "model_2.pt on wave: " in printed
    assert "physics" in printed and "env steps/s" in printed
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(run.parents[2] / "film" / "out.mp4"))
    assert count == 26  # states 0, 2, ... 50
    assert seconds == pytest.approx(1.04)


def test_play_refuses_a_clip_or_second_that_is_not_there(workdir, clip_file):
    common = ["--task=g1_deepmimic", "--policy=zero", f"--env.deepmimic.amass_replay_data_path={clip_file}"]
    with pytest.raises(ConfigError, match="did you mean wave"):
        play([*common, "--clip=wafe"])
    with pytest.raises(ConfigError, match="--start=7"):
        play([*common, "--start=7"])


def test_loaded_policy_acts_as_the_learner_does_without_noise(workdir, clip_file):
    env = make_env(clip_file)
    cfg = task_registry.get("g1_deepmimic").configure().train
    cfg.runner.num_threads = 1
    runner = OnPolicyRunner(env, cfg)
    policy = runner.alg.get_policy()
    policy.obs_normalizer.update(env.get_observations()["actor"])
    runner.save(workdir / "model_0.pt")
    policy.eval()
    observations = env.get_observations()
    loaded = _session.load_policy(workdir / "model_0.pt", env)
    with torch.no_grad():
        assert torch.equal(loaded.actor(observations), policy(observations))


def test_a_checkpoint_of_another_robot_or_other_observations_is_refused(run, clip_file):
    with pytest.raises(RunError, match="another robot"):
        evaluate([*FEW, "--env.asset.locked_joints=[]"])
    with pytest.raises(RunError, match="base_lin_vel"):
        evaluate([*FEW, "--env.observations.actor=[dof_pos,dof_vel]"])
