"""The clips that ship are clean; the public ones have the faults that are known of them."""

from pathlib import Path

import pytest

from legged_gym.motion.formats import ReadOptions, read_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import STRICT, validate
from legged_gym.terrain.mesh_ground import mesh_ground

REPO = Path(__file__).resolve().parents[3]
SHIPPED = sorted((REPO / "retargeted_data/g1").rglob("*.npz"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_clips_have_no_errors_or_warnings_even_strictly(path: Path, layout: RobotLayout) -> None:
    clip = read_clip(path)
    ground = [mesh_ground(clip.terrain_path)] if clip.terrain else []
    report = validate(clip, layout, *ground, options=STRICT)
    assert [finding.message for finding in report.findings if finding.severity != "info"] == []


@pytest.mark.slow
def test_the_crawl_clears_its_slope_and_asks_too_much_of_the_wrists(
    shared_dir: Path, layout: RobotLayout
) -> None:
    folder = shared_dir / "data/g1/crawl_slope"
    report = validate(
        read_clip(folder / "motion.npz", ReadOptions()), layout, mesh_ground(folder / "terrain.obj")
    )
    assert -0.003 < report.measures["lowest_point_m"] < 0.0
    errors = {finding.subject: finding for finding in report.findings if finding.severity == "error"}
    assert {finding.check for finding in errors.values()} == {"torques"}
    wrist = errors["right_wrist_pitch_joint"]
    assert wrist.value / wrist.limit > 2.0


@pytest.mark.slow
def test_the_crawl_without_its_slope_is_told_to_have_one(shared_dir: Path, layout: RobotLayout) -> None:
    report = validate(read_clip(shared_dir / "data/g1/crawl_slope/motion.npz"), layout)
    messages = " ".join(finding.message for finding in report.findings)
    assert "feet stand at heights from 0.00 to 0.41 m" in messages
    assert "in the air, held by nothing" in messages or "not held by its contacts" in messages
