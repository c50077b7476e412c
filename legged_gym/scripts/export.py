"""Export a policy as a bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils.cli import Command, CommonArgs, check_devices, parse_command, run_main
from legged_gym.utils.run_config import load_run_config
from legged_gym.utils.threads import use_passive_threads

Format = Literal["both", "onnx", "torchscript"]
RECORD_STEPS = 200


@dataclass
class ExportArgs(CommonArgs):
    """Write a trained policy as a bundle: a folder with all that a robot needs to run it.

    It holds the network as TorchScript and ONNX, its description (bundle.yaml), the clips it follows and recorded
    steps that every runtime has to reproduce; both files were made to before the folder appears. An earlier bundle in
    its place is replaced.
    """

    num_envs: int | None = 1
    """Robots simulated in parallel; the first is recorded."""
    out: Path = Path("policy")
    """Folder to write."""
    format: Format = "both"
    """Which networks to write; a robot needs onnx, teachers and C++ programs need torchscript."""
    record_steps: int = RECORD_STEPS
    """Control steps recorded."""
    evaluation: Path | None = None
    """JSON of evaluate.py to quote; None: evaluation.json in the run's folder where it is of this checkpoint."""


def export(argv: list[str]) -> None:
    """Parse, run, write."""
    command = parse_command(argv, ExportArgs, load_run_config)
    args = command.args
    check_devices(args)
    use_passive_threads()

    from rich.console import Console

    from legged_gym.scripts import _session

    checkpoint = _session.find_checkpoint(args)
    write_bundle(command, checkpoint, args.out, args.record_steps, args.evaluation, args.format)
    iteration = checkpoint.stem.removeprefix("model_")
    Console().print(f"wrote {args.out}: iteration {iteration} of {checkpoint.parent.name}")


def write_bundle(
    command: Command,
    checkpoint: Path,
    out: Path,
    record_steps: int,
    evaluation: Path | None = None,
    format: Format = "both",
) -> None:
    """Write the policy of a checkpoint as a bundle.

    Args:
        command: Says the task, its configuration and the device.
        checkpoint: File of the policy.
        out: As :class:`ExportArgs` has it, like the rest.
        record_steps: Control steps recorded.
        evaluation: JSON to quote.
        format: Which networks.

    Raises:
        LeggedGymError: The policy does not fit the task, or the bundle cannot be written or fails its check.
    """
    from legged_gym.bundle.schema import ONNX_FILE, POLICY_FILES, TORCHSCRIPT_FILE
    from legged_gym.rl import bundle_content, provenance
    from legged_gym.rl.export import check_destination, export_bundle
    from legged_gym.scripts import _session
    from legged_gym.sim.robot_model import build_robot

    check_destination(out)
    env = _session.build_evaluation_env(command, "as_trained", start_noise=0.0)
    policy = _session.load_policy(checkpoint, env)
    iteration = policy.content["iteration"]
    reference = bundle_content.reference_arrays(env)
    origin = provenance.make_provenance(
        config=policy.content["config"],
        run=checkpoint.parent.name,
        iteration=iteration,
        samples=policy.content["samples"],
        clips={} if reference is None else dict(zip(env.data.clip_names, env.data.files, strict=True)),
        evaluation=provenance.find_evaluation(checkpoint.parent, iteration, evaluation),
    )
    whole_robot = build_robot(replace(command.cfg.env.asset, locked_joints=[]), command.cfg.env.control)
    spec = bundle_content.describe(
        env, command.task.name, whole_robot, policy.actor.obs_normalization, origin
    )
    export_bundle(
        out,
        policy.actor,
        spec,
        lambda act: bundle_content.record_steps(env, act, record_steps),
        reference,
        {"both": POLICY_FILES, "onnx": (ONNX_FILE,), "torchscript": (TORCHSCRIPT_FILE,)}[format],
    )


def main() -> None:
    """Entry of the console script."""
    run_main(export)


if __name__ == "__main__":
    main()
