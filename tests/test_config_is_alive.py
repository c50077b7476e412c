"""Every field of every task does something: another value changes a small run, what is learnt, or what is written.

The fields of all registered tasks are enumerated. Those of the env are tried in one task of each env class, with
everything switched on; a test holds that every other task then has the same fields with the same values, so that its
runs would be the same. Those of the learner are tried on a toy env, a teacher's in ``tests/rl/test_dagger.py``.
"""

from __future__ import annotations

import copy
import functools
import sys
import types
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import legged_gym.envs  # noqa: F401  (registers the tasks)
from legged_gym.rl.rl_config import DaggerCfg, PolicyCfg, PPOCfg, RunnerCfg, TrainCfg
from legged_gym.rl.runner import OnPolicyRunner
from legged_gym.scripts import _session, train
from legged_gym.utils import task_registry
from legged_gym.utils.config import TaskCfg, get_value, leaf_types
from legged_gym.utils.errors import LeggedGymError
from legged_gym.utils.run_config import save_run_config
from tests import config_probes as probes
from tests.rl.map_env import BLIND, SEEING, MapEnv

TASKS = ("g1", "g1_deepmimic")
"""One task of each env class."""

EXCEPTIONS = {
    "deepmimic.share_clips": "about several processes; the tests of these",
    "sim.num_threads": "speed alone: results must not depend on it; its own test",
    "deepmimic.cache": "speed alone: results must not depend on it; its own test",
    "terrain.cache": "speed alone: results must not depend on it; its own test",
    "viser.enable": "the page watches and changes no run by being there; tests/viewer",
    "viser.port": "where the page is; tests/viewer",
    "viser.host": "where the page is; tests/viewer",
    "viser.share": "a button on the page; tests/viewer",
}
"""Fields without an effect on a run -> why. Whatever gains one fails here until its line is gone."""


def fields_of(task: str) -> list[str]:
    return list(leaf_types(task_registry.get(task).make_cfg().env))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("motions")
    probes.make_files(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def quick():
    """The robot's numbers are parsed once, and success is judged every other step."""
    parsed = functools.lru_cache(yaml.safe_load)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "safe_load", lambda text: copy.deepcopy(parsed(text)))
        patch.setattr("legged_gym.envs.base.curriculum.JUDGING_INTERVAL", 2)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run(files):
    """Fingerprint of a task with some settings laid over everything switched on; each is made once."""
    bases = {task: probes.everything_on(task) for task in TASKS}
    known: dict[str, dict[str, str]] = {}

    def fingerprint(task: str, settings: dict[str, Any]) -> dict[str, str]:
        base = bases[task]
        key = f"{task} {sorted(settings.items(), key=str)}"
        if key not in known:
            own = {path: value for path, value in settings.items() if path in leaf_types(base.env)}
            cfg = TaskCfg(probes.changed(base.env, probes.located(own, files)), base.train)
            known[key] = probes.fingerprint(cfg, task)
        return known[key]

    fingerprint.bases = bases
    return fingerprint


def test_the_same_configuration_gives_the_same_fingerprint(run):
    for task in TASKS:
        assert probes.fingerprint(copy.deepcopy(run.bases[task]), task) == run(task, {})


@pytest.mark.parametrize("task", [spec.name for spec in task_registry.all_tasks()])
def test_with_everything_on_a_task_is_the_one_that_is_tried(task):
    (tried,) = (one for one in TASKS if probes.env_class(one) is probes.env_class(task))
    ours, theirs = (probes.everything_on(one).env for one in (task, tried))
    assert fields_of(task) == fields_of(tried)
    assert [p for p in fields_of(task) if get_value(ours, p) != get_value(theirs, p)] == []


@pytest.mark.parametrize("task", [spec.name for spec in task_registry.all_tasks()])
def test_a_task_has_only_fields_of_the_learner_that_are_tried(task):
    taught = {f"algorithm.{name}" for name in leaf_types(DaggerCfg()).keys() - leaf_types(PPOCfg()).keys()}
    assert set(leaf_types(task_registry.get(task).make_cfg().train)) - taught == LEARNT | WRITTEN.keys()


def test_exceptions_are_few_and_exist():
    known = {path for task in TASKS for path in fields_of(task)}
    assert len(EXCEPTIONS) <= 10 and EXCEPTIONS.keys() <= known


@pytest.mark.slow
@pytest.mark.parametrize(("task", "path"), [(task, path) for task in TASKS for path in fields_of(task)])
def test_a_field_of_the_env_does_something(task, path, run, files):
    base = run.bases[task]
    companions = {
        p: v for p, v in probes.matching(probes.COMPANIONS, path, {}).items() if p in leaf_types(base.env)
    }
    before = run(task, companions)
    assert probes.REFUSAL not in before, f"{path}: the run to compare with is refused: {before}"
    start = get_value(probes.changed(base.env, probes.located(companions, files)), path)
    value = probes.another_value(path, leaf_types(base.env)[path], start)
    after = run(task, companions | {path: value})
    may_be_refused = any(fnmatch(path, pattern) for pattern in probes.REFUSED)
    assert may_be_refused or probes.REFUSAL not in after, f"{path} = {value!r}: {after}"
    differs = [where for where in after if after[where] != before.get(where)]
    if path in EXCEPTIONS:
        assert not differs, f"{path} now changes {differs}: take it off the list of exceptions"
    else:
        assert differs, f"{path} is dead: {start!r} -> {value!r} changes nothing"


# ---------------------------------------------------------------------- speed alone


def small_env(task: str, settings: dict[str, Any]) -> Any:
    cfg = task_registry.get(task).make_cfg().env
    base = {"env.num_envs": 2, "sim.num_threads": 1}
    if task != "g1":
        base |= {"deepmimic.end_time": 0.5, "terrain.terrain_noise.amplitude": 0.01} | probes.MESH
    return probes.env_class(task)(probes.changed(cfg, base | settings), seed=1)


@pytest.mark.parametrize("task", TASKS)
def test_sim_num_threads_reaches_the_engine(task, monkeypatch):
    import mujoco.batch

    asked = []
    make = mujoco.batch.Batch
    monkeypatch.setattr(mujoco.batch, "Batch", lambda *given: asked.append(given) or make(*given))
    for threads in (1, 2):
        small_env(task, {"sim.num_threads": threads})
    assert [given[2] for given in asked] == [1, 2]


@pytest.mark.parametrize("field", ["deepmimic.cache", "terrain.cache"])
def test_a_cache_that_is_off_leaves_no_file_of_its_kind(field, tmp_path, monkeypatch):
    both = {"deepmimic.cache": True, "terrain.cache": True}
    counts = []
    for name, settings in (("on", both), ("off", both | {field: False})):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        small_env("g1_deepmimic", settings)
        counts.append(sum(path.is_file() for path in (tmp_path / name).rglob("*")))
    assert counts[1] < counts[0]


# ---------------------------------------------------------------------- the learner

POINT = TrainCfg(
    runner=RunnerCfg(num_steps_per_env=8, max_iterations=2, save_interval=5, logger="none", num_threads=1),
    policy=PolicyCfg(actor_hidden_dims=(8, 8), critic_hidden_dims=(8, 8), average_iterations=2),
    algorithm=PPOCfg(
        clip_actions_threshold=0.01,
        bounds_loss_coef=0.01,
        max_grad_norm=0.1,
        desired_kl=0.01,
        use_mixed_precision=False,
    ),
)
"""A small learner in which every term of the loss counts."""
LEARNER_COMPANIONS = {
    "policy.map_terms": {"policy.map_encoder": "gated"},
    "policy.map_shape": {"policy.map_encoder": "cnn"},
}
LEARNER_CHANGES: dict[str, Any] = {
    "runner.max_iterations": 1,
    "policy.map_terms": ["terrain_height_noisy"],
    "policy.map_shape": (121, 1),
    "policy.map_encoder": "gated",
    "policy.actor_hidden_dims": (8, 4),
    "policy.critic_hidden_dims": (8, 4),
    "policy.activation": "relu",
    "algorithm.use_mixed_precision": True,
    "algorithm.gamma": 0.5,
    "algorithm.lam": 0.5,
    "algorithm.desired_kl": 10.0,
    "algorithm.desired_kl_half_life": 1,
    "algorithm.max_grad_norm": 0.01,
    "algorithm.clip_param": 0.01,
    "policy.average_iterations": 1,
}
WRITTEN = dict.fromkeys(
    (
        *(
            f"runner.{name}"
            for name in ("save_interval", "experiment_name", "run_name", "resume", "load_run")
        ),
        *(
            f"runner.{name}"
            for name in ("checkpoint", "load_model_strict", "logger", "wandb_project", "wandb_note")
        ),
        "runner.num_threads",
        "policy.re_init_std",
    ),
    "a test of its own below",
)
"""Fields about files, threads and resuming."""
LEARNT = set(leaf_types(TrainCfg())) - WRITTEN.keys()
"""Fields that change what a short training learns."""


def learnt(cfg: TrainCfg) -> str:
    """Weights, averaged policy and learning rate after a short training; or how it is refused."""
    try:
        runner = OnPolicyRunner(MapEnv(SEEING), cfg)
    except LeggedGymError as error:
        return str(error)
    runner.learn()
    state = runner.alg.save()
    networks = [state[f"{name}_state_dict"] for name in ("actor", "critic", "policy")]
    values = [(name, probes.digest(value)) for weights in networks for name, value in weights.items()]
    return probes.digest([values, state["learning_rate"], runner.current_learning_iteration])


@pytest.mark.parametrize("path", sorted(LEARNT))
def test_a_field_of_the_learner_does_something(path):
    start = probes.changed(POINT, LEARNER_COMPANIONS.get(path, {}))
    kind, old = leaf_types(start)[path], get_value(start, path)
    value = LEARNER_CHANGES[path] if path in LEARNER_CHANGES else probes.another_value(path, kind, old)
    assert learnt(start) != learnt(probes.changed(start, {path: value})), f"train.{path} is dead"


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr("legged_gym.rl.runner.plot_learning_curve", lambda *_: None)


def trained(folder: Path, settings: dict[str, Any], terms: tuple[str, ...] = SEEING) -> OnPolicyRunner:
    runner = OnPolicyRunner(MapEnv(terms), probes.changed(POINT, settings), folder)
    runner.learn()
    return runner


def test_save_interval_decides_how_many_checkpoints_there_are(tmp_path, no_pictures):
    for interval in (1, 5):
        trained(tmp_path / str(interval), {"runner.save_interval": interval})
    assert [len(list((tmp_path / name).glob("model_*.pt"))) for name in ("1", "5")] == [2, 1]


def test_logger_decides_whether_there_are_tensorboard_files(tmp_path, no_pictures):
    for logger in ("none", "tensorboard"):
        trained(tmp_path / logger, {"runner.logger": logger})
    found = [bool(list((tmp_path / name).rglob("events.*"))) for name in ("none", "tensorboard")]
    assert found == [False, True]


def test_wandb_is_told_project_and_note(tmp_path, no_pictures, monkeypatch):
    told: list[dict] = []
    run = types.SimpleNamespace(log=lambda *_, **__: None, finish=lambda *_, **__: None)
    api = types.SimpleNamespace(api_key=None)
    fake = types.SimpleNamespace(init=lambda **given: told.append(given) or run, api=api)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    given = {"runner.logger": "wandb", "runner.wandb_project": "mine", "runner.wandb_note": "why"}
    trained(tmp_path / "run", given)
    assert told and {"mine", "why"} <= {str(value) for value in told[0].values()}


def test_num_threads_is_what_torch_computes_with():
    before, counts = torch.get_num_threads(), []
    for threads in (1, 2):
        OnPolicyRunner(MapEnv(SEEING), probes.changed(POINT, {"runner.num_threads": threads}))
        counts.append(torch.get_num_threads())
    torch.set_num_threads(before)
    assert counts == [1, 2]


def test_re_init_std_sets_the_noise_back_where_a_run_is_resumed(tmp_path, no_pictures):
    trained(tmp_path / "run", {})
    stds = []
    for again in (False, True):
        cfg = probes.changed(POINT, {"policy.re_init_std": again, "policy.init_noise_std": 0.7})
        runner = OnPolicyRunner(MapEnv(SEEING), cfg)
        runner.load(tmp_path / "run" / "model_2.pt")
        stds.append(runner.alg.action_std.mean().item())
    assert stds[0] != pytest.approx(0.7) and stds[1] == pytest.approx(0.7)


def test_load_model_strict_refuses_other_observations(tmp_path, no_pictures):
    trained(tmp_path / "run", {}, BLIND)
    for strict in (True, False):
        runner = OnPolicyRunner(MapEnv(SEEING), probes.changed(POINT, {"runner.load_model_strict": strict}))
        if strict:
            with pytest.raises(LeggedGymError):
                runner.load(tmp_path / "run" / "model_2.pt")
        else:
            runner.load(tmp_path / "run" / "model_2.pt")


class NoRunner:
    """Stands in for the runner: says what is loaded and where it writes."""

    interrupted, log_dir, loaded = False, None, None
    made: list[NoRunner] = []  # noqa: RUF012

    def __init__(self, *_: Any) -> None:
        self.made.append(self)

    def load(self, path: Path) -> None:
        self.loaded = path

    def learn(self) -> None:
        pass


@pytest.fixture
def run_train(tmp_path, monkeypatch):
    """The train script without env and learning: where it would write, and what it would load."""
    monkeypatch.chdir(tmp_path)
    for experiment in ("g1", "other"):
        for name in ("20250101_000000_a", "20250102_000000_b"):
            folder = tmp_path / "logs" / experiment / name
            folder.mkdir(parents=True)
            for iteration in (1, 2):
                torch.save({}, folder / f"model_{iteration}.pt")
            save_run_config(folder, "g1", task_registry.get("g1").make_cfg())
    monkeypatch.setattr("legged_gym.rl.runner.OnPolicyRunner", NoRunner)
    monkeypatch.setattr(_session, "build_env", lambda *_: None)
    monkeypatch.setattr(_session, "show_observations", lambda *_: None)

    def call(**fields: str) -> NoRunner:
        train.train(["--task=g1", *(f"--train.runner.{name}={text}" for name, text in fields.items())])
        return NoRunner.made[-1]

    return call


def test_names_decide_the_folder_of_a_run(run_train):
    plain, named = run_train(), run_train(experiment_name="mine", run_name="first")
    assert plain.log_dir.parent.name == "g1" and not plain.log_dir.name.endswith("_first")
    assert named.log_dir.parent.name == "mine" and named.log_dir.name.endswith("_first")


def test_resume_load_run_and_checkpoint_decide_what_is_loaded(run_train):
    assert run_train().loaded is None
    assert run_train(resume="True", load_run="20250102_000000_b").loaded.name == "model_2.pt"
    older = run_train(resume="True", load_run="20250101_000000_a", checkpoint="1").loaded
    assert (older.parent.name, older.name) == ("20250101_000000_a", "model_1.pt")
