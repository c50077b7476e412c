from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats import read_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation.ground_fix import output_files, put_on_ground, write_mended
from legged_gym.utils.errors import MotionError

TIME = np.arange(101) / 50.0


@pytest.mark.parametrize("height", [-0.14, 0.023])
def test_a_clip_is_moved_by_what_its_standing_feet_need(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout, height: float
) -> None:
    wrong = np.full(101, height)
    wrong[20:30] += 0.05  # a hop does not count
    mended, shift = put_on_ground(standing(root_pos=root(z=wrong)), layout)
    assert shift == pytest.approx(-height, abs=1e-6)
    assert np.allclose(mended.root_pos[0], root()[0], atol=1e-6)
    where = "inside" if height < 0.0 else "above"
    assert mended.history[-1].startswith(f"raised by {-1e3 * height:.0f}")
    assert f"{where} the ground (median)" in mended.history[-1]


def test_a_clip_on_the_ground_is_left_alone(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    clip = standing()
    assert put_on_ground(clip, layout) == (clip, 0.0)


def test_the_ground_is_that_of_the_terrain(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    clip = standing(root_pos=root(z=0.5))
    _, shift = put_on_ground(clip, layout, ground=lambda xy: np.full(xy.shape[:-1], 0.45))
    assert shift == pytest.approx(-0.05, abs=1e-6)


def test_stairs_without_terrain_and_flying_are_refused(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    stairs = standing(root_pos=root(z=np.where(TIME < 1.0, 0.0, 0.3)))
    with pytest.raises(MotionError, match=r"stand at 0.00 to 0.30 m above it; .* needs its mesh, --terrain"):
        put_on_ground(stairs, layout)
    with pytest.raises(MotionError, match="no foot ever stands still"):
        put_on_ground(standing(root_pos=root(x=3.0 * TIME)), layout)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "walk.csv", tmp_path / "b" / "walk.csv"
    assert output_files([one], tmp_path / "new.npz", overwrite=False) == {one: tmp_path / "new.npz"}
    assert output_files([one], tmp_path, overwrite=False) == {one: tmp_path / "walk.npz"}
    with pytest.raises(MotionError, match="is one file for 2 clips"):
        output_files([one, two], tmp_path / "new.npz", overwrite=False)
    with pytest.raises(MotionError, match=r"several clips would be written to .*walk\.npz"):
        output_files([one, two], tmp_path, overwrite=False)
    (tmp_path / "walk.npz").touch()
    with pytest.raises(MotionError, match=r"walk\.npz exists already; --overwrite replaces it"):
        output_files([one], tmp_path, overwrite=False)
    assert output_files([one], tmp_path, overwrite=True)


def test_the_terrain_is_found_from_the_new_place(
    standing: Callable[..., Clip], layout: RobotLayout, tmp_path: Path
) -> None:
    clip = standing(terrain="meshes/box.obj", provenance={"file": str(tmp_path / "old" / "clip.npz")})
    target = tmp_path / "new" / "deeper" / "clip.npz"
    write_mended(clip, target, layout)
    written = read_clip(target)
    assert written.terrain == "../../old/meshes/box.obj"
    assert written.terrain_path.resolve() == clip.terrain_path.resolve()
