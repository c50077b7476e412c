"""Make the motion clips that ship with the package, again or after a change of a gait."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console

from legged_gym.utils import paths
from legged_gym.utils.cli import run_main
from legged_gym.utils.errors import MotionError


@dataclass
class SynthesizeArgs:
    """Make the motion clips that ship with the package, again or after a change of a gait."""

    clips: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of the gaits in legged_gym/motion/synthesis/gaits.py; none: all of them."""
    out: Path = field(default_factory=lambda: paths.data_root() / "retargeted_data" / "g1")
    """Folder to write NAME.npz to; clips on terrain go to `terrain` in it, with NAME.obj, walks by command to
    `commands`. What is there is replaced."""


def synthesize_motion(argv: list[str]) -> None:
    """Write one file for each clip asked for."""
    args = tyro.cli(SynthesizeArgs, args=argv, use_underscores=True)

    from legged_gym.motion.formats.npz_file import write_npz
    from legged_gym.motion.synthesis.gaits import GAITS, folder_of
    from legged_gym.motion.synthesis.synthesize import synthesize
    from legged_gym.motion.synthesis.terrain import obj_text
    from legged_gym.sim.robot_model import build_robot
    from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg

    unknown = [name for name in args.clips if name not in GAITS]
    if unknown:
        raise MotionError(f"no gait {', '.join(unknown)}; there are {', '.join(GAITS)}")
    model = build_robot(AssetCfg(), ActuatorCfg()).compile()
    for name in args.clips or GAITS:
        gait = GAITS[name]
        folder = args.out / folder_of(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MotionError(f"{folder}: cannot be made a folder ({error.strerror})") from None
        clip = synthesize(model, name, gait)
        path = folder / f"{name}.npz"
        write_npz(clip, path)
        if gait.terrain is not None:
            (folder / f"{name}.obj").write_text(obj_text(gait.terrain), encoding="utf-8", newline="\n")
        Console().print(f"{path}: {clip.num_frames} frames, {clip.duration:.2f} s")


def main() -> None:
    """Entry of the script."""
    run_main(synthesize_motion)


if __name__ == "__main__":
    main()
