"""Teachers are read from wherever a policy is kept, and what cannot be read says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tensordict import TensorDict

from legged_gym.rl.bundle_content import describe, record_steps
from legged_gym.rl.checkpoint import read_checkpoint, save_checkpoint
from legged_gym.rl.export import export_bundle
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.provenance import make_provenance
from legged_gym.rl.teacher import load_teacher
from legged_gym.rl.warm_start import policy_cfg_of
from legged_gym.utils.errors import RunError
from tests.rl.host_env import make_checkpoint
from tests.rl.test_export import CLIP, NAMES, D, ToyEnv, reference_arrays, robot, trained_actor

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "logs" / "point" / "20250102_000000_a")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of the toy env of three joints."""
    (tmp_path / "sway.npz").write_bytes(b"a clip")
    env = ToyEnv()
    origin = make_provenance(
        config={"env": {"sensors": {}}},
        run="a_run",
        iteration=7,
        samples=700,
        clips={"sway": tmp_path / "sway.npz"},
        evaluation=None,
    )
    spec = describe(env, "toy", robot(NAMES), True, origin)
    out = tmp_path / "policy"
    export_bundle(out, trained_actor(env), spec, lambda act: record_steps(env, act, 5), reference_arrays(env))
    return out


def averaged_policy(checkpoint: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The policy for use of a checkpoint, by rsl_rl's own forward pass."""
    content = read_checkpoint(checkpoint)
    obs = TensorDict({"actor": torch.zeros(1, 3), "critic": torch.zeros(1, 4)}, batch_size=[1])
    actor, _ = build_actor_critic(obs, 2, policy_cfg_of(content))
    actor.load_state_dict(content["policy_state_dict"])
    actor.eval()
    return lambda x: actor(TensorDict({"actor": x}, batch_size=[len(x)]))


@pytest.mark.parametrize(
    "place",
    [
        "logs/point/20250102_000000_a/model_1.pt",
        "logs/point/20250102_000000_a",
        "20250102_000000_a",
        Path("logs/point/20250102_000000_a"),
    ],
)
def test_a_run_is_found_and_its_averaged_policy_asked_for_the_mean(checkpoint, place):
    teacher, x = load_teacher(place), torch.randn(5, 3)
    with torch.no_grad():
        expected = averaged_policy(checkpoint)(x)
    torch.testing.assert_close(teacher.act(x), expected)
    assert torch.equal(teacher.act(x), teacher.act(x))  # a mean, not a sample
    assert teacher.name == "20250102_000000_a/model_1.pt" and not teacher.is_jitted
    assert [(term["name"], term["scale"], term["clip"]) for term in teacher.layout] == [
        ("position", 1.0, None),
        ("one", 1.0, None),
    ]
    content = read_checkpoint(checkpoint)
    assert teacher.joint_names == ("x_joint", "y_joint")
    assert torch.equal(teacher.std, content["policy_state_dict"]["distribution.std_param"])
    assert not teacher.act(x.requires_grad_()).requires_grad


def test_the_newest_checkpoint_of_a_run_counts(checkpoint):
    content = read_checkpoint(checkpoint)
    content["policy_state_dict"]["mlp.4.bias"] += 1.0
    save_checkpoint(checkpoint.with_name("model_20.pt"), content)
    x = torch.randn(2, 3)
    old, new = load_teacher(checkpoint), load_teacher(checkpoint.parent)
    torch.testing.assert_close(new.act(x), old.act(x) + 1.0)


def test_actions_are_limited_as_the_teachers_env_limited_them(checkpoint):
    content = read_checkpoint(checkpoint)
    content["config"]["env"] = {"normalization": {"clip_actions": 0.05}}
    save_checkpoint(checkpoint, content)
    teacher = load_teacher(checkpoint)
    assert teacher.act(torch.randn(50, 3)).abs().max() == pytest.approx(0.05)
    assert teacher.space == {"env": content["config"]["env"]}


def test_folder_zip_and_script_of_a_bundle_are_the_same_teacher(bundle, tmp_path):
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", bundle))
    teachers = [load_teacher(place) for place in (bundle, archive, bundle / "policy.pt")]
    x = torch.randn(7, D) * 3.0 + 5.0
    actor = trained_actor(ToyEnv()).eval()
    with torch.no_grad():
        expected = actor(TensorDict({"actor": x}, batch_size=[7])).clamp(-CLIP, CLIP)
    for teacher in teachers:
        torch.testing.assert_close(teacher.act(x), expected, rtol=1e-5, atol=1e-5)
        assert teacher.is_jitted and teacher.std is None and teacher.joint_names == NAMES
        assert [term["name"] for term in teacher.layout] == ["dof_pos", "actions", "ref_dof_pos"]


def test_a_bundle_says_what_its_actions_mean(bundle):
    space = load_teacher(bundle).space
    assert space["type"] == "residual" and space["feed_forward"] == "pd" and space["beta"] == 0.5
    assert space["control_dt"] == pytest.approx(0.02) and space["clip"] == CLIP
    assert space["action_scale"] == pytest.approx([0.1, 0.2, 0.3]) and space["stiffness"] == [40.0] * 3
    assert space["env"] == {"sensors": {}}


def refused(place: Path | str, reason: str) -> None:
    with pytest.raises(RunError, match=reason):
        load_teacher(place)


def test_what_does_not_exist_is_named_with_the_runs_that_do(checkpoint):
    refused("20250101_000000_b", r"no teacher 20250101_000000_b.*point/20250102_000000_a")
    refused("somewhere/else", "no teacher somewhere/else")


def test_a_name_of_two_runs_is_refused(checkpoint, tmp_path):
    shutil.copytree(checkpoint.parent, tmp_path / "logs" / "other" / checkpoint.parent.name)
    refused(checkpoint.parent.name, "give the folder")


def test_a_run_without_a_checkpoint_is_refused(checkpoint):
    checkpoint.unlink()
    refused(checkpoint.parent, "holds no complete checkpoint")


def test_a_file_that_is_cut_off_is_refused(checkpoint):
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    refused(checkpoint, "cut off")


def test_a_checkpoint_of_other_networks_is_refused(checkpoint):
    content = read_checkpoint(checkpoint)
    content["config"]["train"]["policy"]["actor_hidden_dims"] = [8, 8]
    save_checkpoint(checkpoint, content)
    refused(checkpoint, "does not hold the networks it describes")


def test_a_checkpoint_without_named_observations_is_refused(checkpoint):
    content = read_checkpoint(checkpoint)
    save_checkpoint(checkpoint, content | {"observation_layout": None})
    refused(checkpoint, "does not name its observations")


def test_a_script_alone_is_refused(bundle, tmp_path):
    shutil.copy(bundle / "policy.pt", tmp_path / "alone.pt")
    refused(tmp_path / "alone.pt", "without bundle.yaml beside it")


def test_another_script_in_a_bundle_is_refused(bundle):
    shutil.copy(bundle / "policy.pt", bundle / "mine.pt")
    refused(bundle / "mine.pt", "the TorchScript of a bundle is policy.pt")


@pytest.mark.parametrize("name", ["policy.pt", "recorded.npz", "bundle.yaml"])
def test_a_bundle_that_lacks_a_file_is_refused(bundle, tmp_path, name):
    (bundle / name).unlink()
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", bundle)
    if name == "bundle.yaml":
        refused(bundle, "holds no complete checkpoint")
    else:
        refused(bundle, f"cannot read {name}")
        refused(archive, f"cannot read {name}")


def test_a_script_that_was_exchanged_is_refused(bundle):
    torch.jit.save(torch.jit.script(torch.nn.Linear(D, 3)), bundle / "policy.pt")
    refused(bundle, "is not the file that was exported")
