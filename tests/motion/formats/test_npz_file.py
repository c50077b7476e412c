import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.formats.npz_file import read_npz, write_npz
from legged_gym.utils.errors import MotionError, RunError

MakeClip = Callable[..., Clip]


def _contacts() -> dict[str, np.ndarray]:
    on = np.arange(31) % 2 == 0
    return {"right_foot": on, "left_foot": ~on}


def _full(biped_clip: MakeClip) -> Clip:
    """A clip with every field set."""
    rng = np.random.default_rng(1)
    links = Links(("pelvis", "foot"), rng.normal(size=(31, 2, 3)), rng.normal(size=(31, 2, 4)))
    return biped_clip(
        fps=29.97,
        contacts=_contacts(),
        links=links,
        terrain="box.obj",
        source="a test",
        licence="MIT",
        history=("made", "raised by 12 mm"),
    )


def test_every_field_comes_back_to_the_last_bit(tmp_path: Path, biped_clip: MakeClip) -> None:
    clip = _full(biped_clip)
    path = tmp_path / "swing.npz"
    write_npz(clip, path)
    again = read_npz(path)
    for field in ("name", "fps", "joint_names", "terrain", "source", "licence", "history"):
        assert getattr(again, field) == getattr(clip, field), field
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        assert np.array_equal(getattr(again, field), getattr(clip, field)), field
    assert list(again.contacts) == ["right_foot", "left_foot"]
    assert np.array_equal(again.contacts["left_foot"], _contacts()["left_foot"])
    assert again.links.names == clip.links.names
    assert np.array_equal(again.links.pos_w, clip.links.pos_w)
    assert np.array_equal(again.links.quat_wxyz, clip.links.quat_wxyz)
    assert list(tmp_path.iterdir()) == [path]


def test_one_clip_gives_the_same_bytes_at_any_time(
    tmp_path: Path, biped_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npz(_full(biped_clip), tmp_path / "a.npz")
    monkeypatch.setattr(time, "time", lambda: 1.9e9)  # what zipfile stamps entries with
    write_npz(read_npz(tmp_path / "a.npz"), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_files_of_schema_version_1_are_read(tmp_path: Path, biped_clip: MakeClip) -> None:
    path = tmp_path / "old.npz"
    write_npz(biped_clip(contacts=_contacts(), licence="MIT"), path)
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files if key not in ("terrain", "history")}
    np.savez(path, **{**arrays, "schema_version": np.int64(1)})
    clip = read_npz(path)
    assert (clip.licence, clip.terrain, clip.history, clip.links) == ("MIT", None, (), None)
    assert np.array_equal(clip.dof_pos, biped_clip().dof_pos)


def test_a_clip_without_contacts_stays_one(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(), tmp_path / "a.npz")
    assert read_npz(tmp_path / "a.npz").contacts is None


def test_the_layout_is_the_documented_one(tmp_path: Path, biped_clip: MakeClip) -> None:
    write_npz(biped_clip(contacts=_contacts()), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {
            *("schema_version", "fps", "joint_names", "joints", "root_pos", "root_quat_wxyz"),
            *("contact_names", "contacts", "licence", "source", "terrain", "history"),
        }
        assert archive["schema_version"] == 2
        assert archive["joints"].shape == (31, 2)
        assert archive["contacts"].shape == (31, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schema_version": None},
            "has no schema_version, so it is not a clip of ours; its keys are contact_names",
        ),
        ({"schema_version": np.int64(3)}, "schema_version is 3; this release reads 1 and 2"),
        ({"history": None}, "lacks history"),
        ({"link_names": np.array(["pelvis"])}, "has link_names; of link_names, link_pos_w, link_quat_wxyz"),
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
