"""Bundles written from a toy env of three joints, opened with the robot's reader."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Group

import numpy as np
import onnxruntime
import pytest
import torch
from tensordict import TensorDict

from legged_gym.deploy.bundle import Bundle, read_bundle
from legged_gym.envs.terms.layout import ObservationLayout, TermSlot
from legged_gym.rl.bundle_content import describe, record_steps, reference_arrays
from legged_gym.rl.export import check_destination, export_bundle
from legged_gym.rl.networks import build_actor_critic
from legged_gym.rl.provenance import find_evaluation, make_provenance
from legged_gym.rl.rl_config import PolicyCfg
from legged_gym.utils.errors import RunError

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:DeprecationWarning")

J, D, FRAMES, BETA, CLIP = 3, 9, 12, 0.5, 0.75
NAMES = ("hip", "knee", "ankle")


def robot(names: tuple[str, ...]) -> Group:
    n = len(names)
    columns = {"default_dof_pos": 0.1, "stiffness": 40.0, "damping": 2.0, "effort_limit": 50.0}
    columns |= {"velocity_limit": 20.0, "dof_lower": -1.0, "dof_upper": 1.0}
    return Group(
        joint_names=names,
        action_scale=0.1 * np.arange(1, n + 1),
        chain_to=lambda body: [(body, (0.0, 0.0, 0.1), (1.0, 0.0, 0.0, 0.0), names[0], (0.0, 0.0, 1.0))],
        default_height_of=lambda body: 0.8,
        **{k: np.full(n, v) for k, v in columns.items()},
    )


class ToyEnv:
    """Two robots that go through one clip in circles; joints reach their targets at once."""

    def __init__(self) -> None:
        self.cfg = Group(
            asset=Group(robot="toy"),
            control=Group(action_type="residual", feed_forward="pd", beta=BETA, decimation=4),
            sim=Group(dt=0.005),
            normalization=Group(
                clip_actions=CLIP,
                clip_observations=100.0,
                lin_vel=2.0,
                ang_vel=0.25,
                dof_pos=1.0,
                dof_vel=0.05,
            ),
            observations=Group(num_next_obs=1),
            deepmimic=Group(anchor_body_name="torso", tracked_body_names=["torso", "foot"]),
        )
        self.robot = robot(NAMES)
        rng = torch.Generator().manual_seed(3)
        self.target_offsets = torch.randn(FRAMES, J, generator=rng)
        upright = torch.tensor([1.0, 0.0, 0.0, 0.0])
        self.data = Group(
            joint_names=NAMES,
            clip_names=["sway"],
            clip_start=torch.tensor([0]),
            clip_length=torch.tensor([FRAMES]),
            dof_pos=torch.randn(FRAMES, J, generator=rng),
            dof_vel=torch.randn(FRAMES, J, generator=rng),
            root_quat_wxyz=upright.expand(FRAMES, 4),
            body_quat_wxyz=upright.expand(FRAMES, 2, 4),
            body_pos_w=torch.randn(FRAMES, 2, 3, generator=rng),
            **{
                name: torch.randn(FRAMES, 3, generator=rng)
                for name in ("root_pos_w", "root_lin_vel_w", "root_ang_vel_w")
            },
        )
        self.anchor, self.upper_body = 1, torch.tensor([0])
        self.frame = torch.tensor([0, 5])
        self.actions, self.joint_targets = torch.zeros(2, J), torch.zeros(2, J)

    def observation_layout(self) -> dict[str, ObservationLayout]:
        slots = [
            TermSlot(name, J * i, J * i + J, 1)
            for i, name in enumerate(("dof_pos", "actions", "ref_dof_pos"))
        ]
        return {"actor": ObservationLayout(tuple(slots))}

    def get_observations(self) -> TensorDict:
        parts = (self.joint_targets, self.actions, self.data.dof_pos[self.frame])
        return TensorDict({"actor": torch.cat(parts, dim=1), "critic": torch.zeros(2, 1)}, batch_size=[2])

    def step(self, actions: torch.Tensor) -> tuple[TensorDict]:
        self.actions = torch.lerp(self.actions, actions.clamp(-CLIP, CLIP), BETA)
        offset = self.target_offsets[(self.frame + 1).clamp(max=FRAMES - 1)]
        self.joint_targets = offset + self.actions * torch.tensor(
            self.robot.action_scale, dtype=torch.float32
        )
        self.frame = (self.frame + 1) % FRAMES
        return (self.get_observations(),)


class SeeingEnv(ToyEnv):
    """The same robots with a map of the ground among their observations, before the reference."""

    def __init__(self) -> None:
        super().__init__()
        scan = Group(body_name="torso", size=(1.0, 1.0), resolution=0.1, max_distance=5.0, only_heading=True)
        self.cfg.sensors = Group(terrain_height=scan)

    def observation_layout(self) -> dict[str, ObservationLayout]:
        slots = [("dof_pos", 0, J), ("actions", J, 2 * J), ("terrain_height", 2 * J, 2 * J + 121)]
        slots.append(("ref_dof_pos", 2 * J + 121, 3 * J + 121))
        return {"actor": ObservationLayout(tuple(TermSlot(*slot, 1) for slot in slots))}

    def get_observations(self) -> TensorDict:
        obs = super().get_observations()
        ground = 0.8 + 0.1 * torch.sin(torch.arange(121) * (1.0 + self.frame.unsqueeze(1)))
        obs["actor"] = torch.cat((obs["actor"][:, : 2 * J], ground, obs["actor"][:, 2 * J :]), dim=1)
        return obs


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    path = tmp_path / "sway.npz"
    path.write_bytes(b"a clip")
    return path


@pytest.fixture
def env() -> ToyEnv:
    return ToyEnv()


def trained_actor(env: ToyEnv, encoder: str = "flat") -> torch.nn.Module:
    """A policy whose normaliser has seen observations far from mean 0 and deviation 1."""
    torch.manual_seed(0)
    layout = {"actor": env.observation_layout()["actor"].to_dict()}
    cfg = PolicyCfg(actor_hidden_dims=(16, 8), map_encoder=encoder)
    actor, _ = build_actor_critic(env.get_observations(), J, cfg, layout)
    actor.obs_normalizer.update(torch.randn(256, actor.obs_dim) * 3.0 + 5.0)
    with torch.no_grad():
        list(actor.mlp.parameters())[-2].mul_(20.0)  # beyond the action limit at times
    return actor


@pytest.fixture
def actor(env: ToyEnv) -> torch.nn.Module:
    return trained_actor(env)


@pytest.fixture
def export(env: ToyEnv, actor: torch.nn.Module, clip_file: Path, tmp_path: Path) -> Callable[..., Bundle]:
    def run(
        out: Path = tmp_path / "out" / "policy",
        record: Callable | None = None,
        env: ToyEnv = env,
        actor: torch.nn.Module = actor,
    ) -> Bundle:
        origin = make_provenance(
            config={"env": {"beta": BETA}},
            run="a_run",
            iteration=7,
            samples=700,
            clips={"sway": clip_file},
            evaluation={"success_rate": 1.0},
        )
        spec = describe(env, "toy", robot(("hip", "wrist", "knee", "ankle")), True, origin)
        record = record or (lambda policy: record_steps(env, policy, 30))
        export_bundle(out, actor, spec, record, reference_arrays(env))
        return read_bundle(out)

    return run


def session(bundle: Bundle) -> Callable[[np.ndarray], np.ndarray]:
    ort = onnxruntime.InferenceSession(bundle.file("policy.onnx"))
    return lambda x: ort.run(["actions"], {"observations": x})[0]


def script(bundle: Bundle) -> torch.jit.ScriptModule:
    return torch.jit.load(bundle.file("policy.pt"))


def by_hand(actor: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Normalise, network, clip, from the actor's own parameters."""
    n = actor.obs_normalizer
    return actor.mlp((x - n.mean) / (n.std + n.eps)).clamp(-CLIP, CLIP)


def test_three_runtimes_agree_on_any_batch(export, actor):
    bundle = export()
    x = torch.randn(17, D) * 3.0 + 5.0
    with torch.no_grad():
        expected = by_hand(actor, x).numpy()
        np.testing.assert_allclose(script(bundle)(x).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(session(bundle)(x.numpy()), expected, atol=1e-5)
    assert (np.abs(expected) == CLIP).any()  # the limit is part of the networks
    assert (np.abs(expected) < CLIP).any()


@pytest.mark.parametrize("encoder", ["gated", "cnn"])
def test_three_runtimes_agree_on_a_policy_that_sees(export, encoder):
    env = SeeingEnv()
    actor = trained_actor(env, encoder)
    if encoder == "gated":
        torch.nn.init.normal_(actor.mlp.gate)
    bundle = export(env=env, actor=actor)
    x = torch.randn(17, D + 121) * 3.0 + 5.0
    with torch.no_grad():
        expected = by_hand(actor, x).numpy()
        np.testing.assert_allclose(script(bundle)(x).numpy(), expected, atol=1e-5)
        other_ground = torch.cat((x[:, : 2 * J], x[:, 2 * J : -J] + 1.0, x[:, -J:]), dim=1)
        assert (by_hand(actor, other_ground) - torch.from_numpy(expected)).abs().max() > 0.01
    np.testing.assert_allclose(session(bundle)(x.numpy()), expected, atol=1e-5)
    assert (np.abs(expected) < CLIP).any()
    term = next(term for term in bundle.spec.observation.terms if term.name == "terrain_height")
    assert (term.start, term.stop) == (2 * J, 2 * J + 121)


def test_normaliser_is_inside(export, actor):
    bundle = export()
    mean = actor.obs_normalizer.mean
    with torch.no_grad():
        at_zero = actor.mlp(torch.zeros(1, D)).clamp(-CLIP, CLIP).numpy()
    assert mean.abs().min() > 4.0
    np.testing.assert_allclose(session(bundle)(mean[None].numpy()), at_zero, atol=1e-5)
    assert bundle.spec.policy.normalizer == "inside"


def test_joint_offsets_are_scaled_actions(export):
    policy, x = script(export()), torch.randn(4, D)
    scale = torch.tensor([0.1, 0.2, 0.3])
    torch.testing.assert_close(policy.joint_offsets(x), policy(x) * scale)


def test_recorded_steps_are_those_of_the_env_and_reproduce(export):
    bundle = export()
    recorded = bundle.recorded
    assert recorded["reference_frames"].tolist() == [step % FRAMES for step in range(30)]
    np.testing.assert_array_equal(recorded["observations"][1:, :J], recorded["joint_targets"][:-1])
    np.testing.assert_array_equal(recorded["observations"][:, J : 2 * J], recorded["previous_actions"])
    assert bundle.check_policy(session(bundle), "onnxruntime") <= 1e-5
    # The reader's arithmetic, step by step, gives the env's targets.
    previous = recorded["previous_actions"][0]
    for step in range(30):
        previous, targets = bundle.joint_targets(
            recorded["actions"][step], previous, int(recorded["reference_frames"][step])
        )
        np.testing.assert_allclose(targets, recorded["joint_targets"][step], atol=1e-5)


def test_description_names_order_and_locked_joints(export):
    spec = export().spec
    assert spec.joint_names == NAMES
    assert [joint.name for joint in spec.locked_joints] == ["wrist"]
    assert spec.motor_order == ("hip", "wrist", "knee", "ankle")
    assert spec.rates.control_dt == pytest.approx(0.02)
    assert spec.tracking.upper_body_joints == ("hip",)
    assert (spec.action.type, spec.action.feed_forward) == ("residual", "pd")


def test_provenance_has_hashes_of_the_clips(export, clip_file):
    (clip,) = export().spec.provenance.clips
    assert (clip.name, clip.file) == ("sway", "sway.npz")
    assert clip.sha256 == hashlib.sha256(b"a clip").hexdigest()


def test_reference_is_the_anchor_and_not_the_first_body(export, env):
    reference = export().reference
    np.testing.assert_array_equal(reference["anchor_pos_w"], env.data.body_pos_w[:, 1].numpy())


def test_nothing_appears_when_a_runtime_differs(export, env, tmp_path):
    def another_policy(policy):
        recorded = record_steps(env, policy, 5)
        recorded["actions"][2] *= 0.9
        recorded["joint_targets"][2] -= 0.1 / 0.9 * BETA * recorded["actions"][2] * [0.1, 0.2, 0.3]
        return recorded

    out = tmp_path / "policy"
    with pytest.raises(RunError, match=r"policy.pt is .* off the trained policy"):
        export(out, another_policy)
    assert not list(tmp_path.glob("*policy*"))


def test_replaces_bundles_and_nothing_else(export, tmp_path):
    out = tmp_path / "policy"
    first = export(out).spec
    export(out)
    assert sorted(p.name for p in tmp_path.glob("*policy*")) == ["policy"]
    assert read_bundle(out).spec.joints == first.joints

    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"notes.txt, which is not part of a bundle"):
        export(out)
    assert (out / "notes.txt").read_text() == "mine"


def test_refuses_a_file_and_a_folder_of_networks(tmp_path):
    (tmp_path / "policy.pt").write_bytes(b"somebody's")
    with pytest.raises(RunError, match=r"holds files but no bundle.yaml"):
        check_destination(tmp_path)
    with pytest.raises(RunError, match="it is a file"):
        check_destination(tmp_path / "policy.pt")
    with pytest.raises(RunError, match="it is a file"):
        check_destination(tmp_path / "policy.pt" / "bundle")


def test_evaluation_counts_for_its_own_checkpoint_only(tmp_path):
    content = {"provenance": {"run": tmp_path.name, "iteration": 7}, "total": {"success_rate": 0.5}}
    assert find_evaluation(tmp_path, 7) is None
    (tmp_path / "evaluation.json").write_text(json.dumps(content))
    assert find_evaluation(tmp_path, 7) == {"success_rate": 0.5}
    assert find_evaluation(tmp_path, 8) is None
    with pytest.raises(RunError, match="iteration 7; exported is"):
        find_evaluation(tmp_path, 8, given=tmp_path / "evaluation.json")
