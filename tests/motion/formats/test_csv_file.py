import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.csv_file import read_csv, write_csv
from legged_gym.motion.formats.options import ReadOptions, WriteOptions
from legged_gym.motion.formats.root_order import decide_quat_order
from legged_gym.motion.joint_orders import G1_JOINT_NAMES
from legged_gym.motion.links import body_states
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.sim.robot_model import Robot
from legged_gym.utils.errors import MotionError

MakeTable = Callable[..., np.ndarray]
TO_XYZW = [*range(3), 4, 5, 6, 3, *range(7, 36)]


def _write(path: Path, table: np.ndarray) -> Path:
    np.savetxt(path, table, delimiter=",", fmt="%.6f")
    return path


@pytest.mark.parametrize("heading", [0.0, 1.0, np.pi / 2, np.pi, -2.5])
@pytest.mark.parametrize("order", ["wxyz", "xyzw"])
def test_the_quaternion_order_is_found_at_any_heading(
    tmp_path: Path, g1_table: MakeTable, heading: float, order: str
) -> None:
    """Heading 0 stored xyzw (and heading pi stored wxyz) is upright in both readings: only the legs tell."""
    table = g1_table(heading=heading)
    path = _write(tmp_path / "clip.csv", table if order == "wxyz" else table[:, TO_XYZW])
    clip = read_csv(path)
    assert clip.provenance["root_quat_order"] == order
    assert np.allclose(np.abs(clip.root_quat_wxyz), np.abs(table[:, 3:7]), atol=1e-6)


@pytest.mark.parametrize(
    ("file", "order"),
    [("kimodo/walk.csv", "wxyz"), ("kimodo/dance.csv", "wxyz"), ("lafan1/dance1_subject2.csv", "xyzw")],
)
def test_the_quaternion_order_of_real_files_is_found_in_every_5_seconds(
    shared_dir: Path, file: str, order: str
) -> None:
    table = np.loadtxt(shared_dir / "data" / "g1" / file, delimiter=",")
    for start in range(0, len(table) - 100, 150):
        part = table[start : start + 150]
        assert decide_quat_order(Path(file), part[:, 3:7], part[:, 7:], G1_JOINT_NAMES)[0] == order, start


def test_the_decision_and_the_rate_are_stated(
    tmp_path: Path, g1_table: MakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    path = _write(tmp_path / "clip.csv", g1_table(heading=1.0))
    with caplog.at_level(logging.DEBUG):
        clip = read_csv(path)
    assert "root quaternion order wxyz (decided: mean tilt" in caplog.text
    assert "30 frames per second" in caplog.text
    assert clip.fps == 30.0
    assert clip.provenance["fps"] == "default for CSV files"
    assert read_csv(path, ReadOptions(fps=60.0)).fps == 60.0


def test_an_option_overrules_the_decision(tmp_path: Path, g1_table: MakeTable) -> None:
    path = _write(tmp_path / "clip.csv", g1_table(heading=1.0))
    clip = read_csv(path, ReadOptions(csv_root_quat_order="xyzw"))
    assert np.allclose(
        np.abs(clip.root_quat_wxyz[0]), np.abs(g1_table(heading=1.0)[0, [6, 3, 4, 5]]), atol=1e-6
    )
    with pytest.raises(
        MotionError, match="csv_root_quat_order is 'wzyx'; it must be one of auto, xyzw, wxyz"
    ):
        read_csv(path, ReadOptions(csv_root_quat_order="wzyx"))


def test_an_undecidable_order_asks_for_the_option(tmp_path: Path, g1_table: MakeTable) -> None:
    path = _write(tmp_path / "clip.csv", g1_table(heading=0.0, pitch=0.0)[:, TO_XYZW])
    with pytest.raises(
        MotionError, match=r"cannot tell the order of the root quaternion.* set csv_root_quat_order"
    ):
        read_csv(path)
    assert read_csv(path, ReadOptions(csv_root_quat_order="xyzw")).num_frames == 20


def test_columns_are_in_unitrees_order(tmp_path: Path, g1_table: MakeTable, g1: Robot) -> None:
    table = g1_table()
    table[:, 7 + 18] = 0.77  # 19th joint: left elbow
    clip = read_csv(_write(tmp_path / "clip.csv", table))
    assert clip.joint_names == G1_JOINT_NAMES == g1.joint_names
    assert np.allclose(clip.dof_pos[:, clip.joint_names.index("left_elbow_joint")], 0.77)


def test_blank_lines_and_windows_line_ends_do_not_matter(tmp_path: Path, g1_table: MakeTable) -> None:
    path = _write(tmp_path / "clip.csv", g1_table(frames=5))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert read_csv(path).num_frames == 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lines: ["1,2,3", *lines], r"line 1 has 3 columns; 36 are needed \(root xyz"),
        (lambda lines: [*lines[:2], lines[2] + ",0", *lines[3:]], "line 3 has 37 columns; 36"),
        (lambda lines: [line + ",0.5" for line in lines], "line 1 has 37 columns"),
        (lambda lines: [line.replace(",", ";") for line in lines], "line 1 has 1 columns"),
        (
            lambda lines: [*lines[:3], ",".join(["nan", *lines[3].split(",")[1:]])],
            r"line 4, column 1 \(root x\) is 'nan'; it must be a finite number",
        ),
        (
            lambda lines: [
                "",
                ",".join([*lines[0].split(",")[:10], "inf", *lines[0].split(",")[11:]]),
                *lines,
            ],
            r"line 2, column 11 \(left_knee_joint\) is 'inf'",
        ),
        (
            lambda lines: [",".join(f"c{i}" for i in range(36)), *lines],
            r"line 1 is a header, but c7, c8, c9 name no joints; take it out if the columns are root x",
        ),
        (lambda lines: [*lines[:2], lines[2].replace("0.760000", "")], r"line 3, column 3 \(root z\)"),
        (lambda lines: lines[:1], r"has 1 frame\(s\); a clip needs at least two"),
        (lambda lines: [], r"has 0 frame\(s\)"),
        (lambda lines: [line.replace("0.99", "0.11") for line in lines], "root_quat_wxyz has length"),
    ],
)
def test_bad_files_are_refused_in_one_line(
    tmp_path: Path, g1_table: MakeTable, spoil: Callable[[list[str]], list[str]], message: str
) -> None:
    path = _write(tmp_path / "clip.csv", g1_table(frames=5))
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    with pytest.raises(MotionError, match=message) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_what_is_no_readable_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    for name, message in [("binary.csv", "is not a text file"), ("none.csv", "No such file")]:
        with pytest.raises(MotionError, match=message):
            read_csv(tmp_path / name)


def _header(joints: tuple[str, ...], quat: str = "wxyz") -> str:
    return ",".join([*(f"root_{axis}" for axis in "xyz"), *(f"root_q{axis}" for axis in quat), *joints])


def test_a_header_of_joint_names_sorts_the_columns(tmp_path: Path, g1_table: MakeTable) -> None:
    """Names may lack `_joint`; the quaternion's order is in its columns' last letters."""
    table = g1_table(heading=0.0, pitch=0.0)  # a pose in which the soles cannot tell the quaternion's order
    table[:, 7:] += 0.01 * np.arange(29)
    shuffled = np.random.default_rng(0).permutation(29)
    names = tuple(G1_JOINT_NAMES[i].removesuffix("_joint") for i in shuffled)
    path = tmp_path / "clip.csv"
    rows = np.concatenate((table[:, :7], table[:, 7 + shuffled]), axis=1)
    np.savetxt(path, rows, delimiter=",", header=_header(names), comments="")
    clip = read_csv(path)
    assert clip.joint_names == G1_JOINT_NAMES
    assert np.allclose(clip.dof_pos, table[:, 7:])
    assert clip.provenance["root_quat_order_reason"] == "named by the header"
    assert "joint order of the CSV file named by the header" in clip.history


def test_joints_alone_stand_upright_with_the_lower_sole_on_the_ground(
    tmp_path: Path, g1_table: MakeTable, g1_layout: RobotLayout
) -> None:
    dof_pos = g1_table(pitch=0.0)[:, 7:]
    dof_pos[:, G1_JOINT_NAMES.index("left_hip_pitch_joint")] = -0.7
    dof_pos[:, G1_JOINT_NAMES.index("left_knee_joint")] = 0.9  # lifted: the right foot is the lower one
    path = _write(tmp_path / "joints.csv", dof_pos)
    with pytest.raises(MotionError, match="line 1 has 29 columns; 36 are needed"):
        read_csv(path)
    with pytest.raises(MotionError, match="csv_joints_only needs the robot"):
        read_csv(path, ReadOptions(csv_joints_only=True))
    clip = read_csv(path, ReadOptions(csv_joints_only=True, robot=g1_layout))
    assert np.array_equal(clip.root_quat_wxyz, np.tile([1.0, 0.0, 0.0, 0.0], (20, 1)))
    feet = body_states(clip, g1_layout, g1_layout.foot_bodies)
    lowest = g1_layout.foot_points.lowest_w(feet)[..., 2]  # (T, P)
    right = g1_layout.foot_points.body == 1
    assert np.allclose(lowest[:, right].min(axis=1), 0.0, atol=1e-9)
    assert lowest[:, ~right].min() > 0.01
    assert any("no root" in entry for entry in clip.history)


@pytest.mark.parametrize("order", ["xyzw", "wxyz"])
def test_what_is_written_is_read_again(tmp_path: Path, g1_clip: Callable[..., Clip], order: str) -> None:
    clip, path = g1_clip(), tmp_path / "clip.csv"
    write_csv(clip, path, WriteOptions(csv_root_quat_order=order))
    first = [float(cell) for cell in path.read_text().splitlines()[0].split(",")]
    assert first[3 + order.index("w")] == clip.root_quat_wxyz[0, 0]
    again = read_csv(path, ReadOptions(fps=50.0, csv_root_quat_order=order))
    for field in ("dof_pos", "root_pos", "root_quat_wxyz"):
        assert np.array_equal(getattr(again, field), getattr(clip, field)), field


def test_joints_without_a_place_are_left_out_only_where_they_rest(
    tmp_path: Path, g1_clip: Callable[..., Clip]
) -> None:
    path = tmp_path / "clip.csv"
    with pytest.raises(
        MotionError, match=r"waist_roll_joint moves \(up to 0.3 rad\), and joint order g1_23dof"
    ):
        write_csv(g1_clip(), path, WriteOptions(joint_order="g1_23dof"))
    dof_pos = np.array(g1_clip().dof_pos)
    for name in (
        "waist_roll",
        "waist_pitch",
        *(f"{s}_wrist_{a}" for s in ("left", "right") for a in ("pitch", "yaw")),
    ):
        dof_pos[:, G1_JOINT_NAMES.index(f"{name}_joint")] = 0.0
    write_csv(g1_clip(dof_pos=dof_pos), path, WriteOptions(joint_order="g1_23dof"))
    again = read_csv(path, ReadOptions(csv_root_quat_order="xyzw", joint_order="g1_23dof"))
    assert len(again.joint_names) == 23
    assert np.array_equal(
        again.dof_pos, dof_pos[:, [G1_JOINT_NAMES.index(name) for name in again.joint_names]]
    )
    with pytest.raises(
        MotionError, match=r"lacks waist_roll_joint, waist_pitch_joint, .* joint order g1 has"
    ):
        write_csv(again, tmp_path / "more.csv")
