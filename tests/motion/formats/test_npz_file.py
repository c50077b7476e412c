from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.utils.errors import MotionError, RunError

MakeClip = Callable[..., Clip]


def _contacts() -> dict[str, np.ndarray]:
    on = np.arange(31) % 2 == 0
    return {"right_foot": on, "left_foot": ~on}


def test_a_clip_comes_back_as_it_was(tmp_path: Path, biped_clip: MakeClip) -> None:
    clip = biped_clip(fps=29.97, contacts=_contacts())
    path = tmp_path / "swing.npz"
    write_npz(clip, path, source="a test", licence="MIT")
    again = read_npz(path)
    assert (again.name, again.fps, again.joint_names) == (clip.name, clip.fps, clip.joint_names)
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        assert np.allclose(getattr(again, field), getattr(clip, field), rtol=0, atol=1e-15), field
    assert list(again.contacts) == ["right_foot", "left_foot"]
    assert np.array_equal(again.contacts["left_foot"], _contacts()["left_foot"])
    assert (again.provenance["source"], again.provenance["licence"]) == ("a test", "MIT")
    assert list(tmp_path.iterdir()) == [path]


def test_provenance_survives_a_second_writing(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(), tmp_path / "a.npz", source="a test", licence="MIT")
    write_npz(read_npz(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert read_npz(tmp_path / "b.npz").provenance["licence"] == "MIT"


def test_a_clip_without_contacts_stays_one(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(), tmp_path / "a.npz")
    assert read_npz(tmp_path / "a.npz").contacts is None


def test_the_layout_is_the_documented_one(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(contacts=_contacts()), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {
            *("schema_version", "fps", "joint_names", "joints", "root_pos", "root_quat_wxyz"),
            *("contact_names", "contacts", "licence", "source"),
        }
        assert archive["schema_version"] == 1
        assert archive["joints"].shape == (31, 2)
        assert archive["contacts"].shape == (31, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schema_version": None},
            "has no schema_version, so it is not a clip of ours; its keys are contact_names",
        ),
        ({"schema_version": np.int64(2)}, "schema_version is 2; this release reads 1"),
        ({"root_pos": None, "fps": None}, "lacks fps, root_pos"),
        ({"contacts": np.zeros((31, 1), dtype=bool)}, r"contacts has shape \(31, 1\); .* 2 contact_names"),
        ({"contacts": np.zeros((30, 2), dtype=bool)}, r"contacts\['right_foot'\] has shape \(30,\)"),
        ({"contact_names": np.array("left_foot")}, "contacts has shape"),
        ({"fps": np.zeros(2)}, r"fps has shape \(2,\)"),
        ({"fps": np.array("fast")}, "fps is 'fast'"),
        ({"joints": np.zeros((1, 2))}, r"dof_pos has 1 frame\(s\)"),
        ({"joints": np.float64(3.0)}, "dof_pos"),
        ({"joint_names": np.array(["left_hip"])}, r"dof_pos has shape \(31, 2\)"),
        ({"root_pos": np.array([[None] * 3] * 31)}, "not an archive of plain numpy arrays"),
    ],
)
def test_malformed_archives_are_refused(
    tmp_path: Path, biped_clip: MakeClip, change: dict[str, np.ndarray | None], message: str
) -> None:
    path = tmp_path / "a.npz"
    write_npz(biped_clip(contacts=_contacts()), path)
    with np.load(path) as archive:
        arrays = {**dict(archive), **change}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    with pytest.raises(MotionError, match=message) as caught:
        read_npz(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_other_files_are_refused(tmp_path: Path, biped_clip: MakeClip) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(MotionError, match="No such file"):
        read_npz(path)
    path.write_text("no archive")
    with pytest.raises(MotionError, match="not an archive"):
        read_npz(path)
    np.save(tmp_path / "b.npy", np.zeros(3))
    (tmp_path / "b.npy").rename(path)
    with pytest.raises(MotionError, match="not an archive"):
        read_npz(path)
    write_npz(biped_clip(), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MotionError, match="not an archive"):
        read_npz(path)


def test_a_failed_writing_leaves_nothing(tmp_path: Path, biped_clip: MakeClip) -> None:
    with pytest.raises(RunError, match="No such file"):
        write_npz(biped_clip(), tmp_path / "none" / "a.npz")
    assert list(tmp_path.iterdir()) == []
