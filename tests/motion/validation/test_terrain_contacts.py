"""Contacts of feet and hands with the terrain a clip plays on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from legged_gym.motion.clip import Clip
from legged_gym.motion.contacts import TOUCH_SPEED
from legged_gym.motion.formats import read_clip
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.validation import DEFAULT, CheckedMotion, validate
from legged_gym.motion.validation.findings import ContactFit, Finding
from legged_gym.motion.validation.terrain_contacts import (
    contact_fit,
    limb_contacts,
    limb_ends,
    terrain_contacts,
)
from legged_gym.motion.validation.whole_body import WholeBody
from legged_gym.terrain.mesh_ground import mesh_ground

TERRAIN = Path(__file__).resolve().parents[3] / "retargeted_data/g1/terrain"
CLIPS = ("box", "stairs", "slope")


def moved(clip: Clip, *shift: float) -> Clip:
    return dataclasses.replace(clip, root_pos=clip.root_pos + np.array(shift), links=None)


def judged(clip: Clip, layout: RobotLayout, mesh: Path) -> tuple[list[Finding], dict[str, ContactFit]]:
    """Findings of the check, and figures by limb."""
    body = WholeBody(CheckedMotion.from_clip(clip, layout, mesh_ground(mesh)))
    limbs = limb_contacts(body, body.motion.ground)
    fits = {limb.label: contact_fit(limb, body.motion.step, DEFAULT.contact_tolerance) for limb in limbs}
    return terrain_contacts(body.motion, limbs, DEFAULT), fits


def test_limbs_end_in_feet_and_hands(standing: Callable[..., Clip], layout: RobotLayout) -> None:
    body = WholeBody(CheckedMotion.from_clip(standing(), layout))
    assert limb_ends(body) == [
        f"{side}_{link}" for link in ("ankle_roll_link", "wrist_yaw_link") for side in ("left", "right")
    ]


@pytest.mark.parametrize("labelled", [True, False], ids=["recorded", "found"])
@pytest.mark.parametrize("name", CLIPS)
def test_contacts_of_the_shipped_clips_are_on_their_terrain(
    name: str, labelled: bool, layout: RobotLayout
) -> None:
    clip = read_clip(TERRAIN / f"{name}.npz")
    if not labelled:
        clip = dataclasses.replace(clip, contacts=None)
    findings, fits = judged(clip, layout, clip.terrain_path)
    assert not findings
    assert set(fits) == {"left foot", "right foot"}
    for fit in fits.values():
        assert fit.contacts >= 6 and abs(fit.worst_m) < 0.001 and fit.beyond == 0


@pytest.mark.parametrize("labelled", [True, False], ids=["recorded", "found"])
@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_that_is_5_cm_too_high_is_told_so(name: str, labelled: bool, layout: RobotLayout) -> None:
    clip = moved(read_clip(TERRAIN / f"{name}.npz"), 0.0, 0.0, 0.05)
    if not labelled:
        clip = dataclasses.replace(clip, contacts=None)
    findings, fits = judged(clip, layout, TERRAIN / f"{name}.obj")
    assert {(f.severity, f.subject) for f in findings} == {
        ("error", "left_ankle_roll_link"),
        ("error", "right_ankle_roll_link"),
    }
    shortest = 0.05 if name != "slope" else 0.05 * np.cos(np.deg2rad(10.0))  # on the level, or perpendicular
    for fit in fits.values():
        assert fit.beyond == fit.contacts and shortest - 1e-3 < fit.mean_m < 0.051
        assert fit.worst_m == pytest.approx(0.05, abs=0.001)
    assert "the worst 50 mm above it" in findings[0].message


@pytest.mark.parametrize("shift", [0.1, -0.1])
def test_feet_in_the_walls_of_stairs_are_told(shift: float, layout: RobotLayout) -> None:
    clip = moved(read_clip(TERRAIN / "stairs.npz"), shift, 0.0, 0.0)
    findings, fits = judged(clip, layout, TERRAIN / "stairs.obj")
    assert {f.severity for f in findings} == {"error"}
    deepest = min(findings, key=lambda f: f.value)
    # A sole stands 3 cm from the next riser of 14 cm, so it reaches up to 7 cm into it: its shortest way out.
    assert -0.11 < deepest.value < -0.05 and "inside it" in deepest.message
    assert sum(fit.beyond for fit in fits.values()) >= 3


def test_a_contact_ends_when_the_foot_begins_to_be_lifted(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """It rises by 0.1 m/s, slower than a foot that counts as fast, and is let go at 20 mm, not at 35."""
    lifted = 0.1 * np.maximum(np.arange(101) / 50.0 - 1.0, 0.0)
    assert np.diff(lifted).max() * 50.0 < TOUCH_SPEED
    body = WholeBody(CheckedMotion.from_clip(standing(root_pos=root(z=lifted)), layout))
    body.motion.__dict__["ground_offset"] = 0.0  # half of the clip in the air would be taken for one
    left, right = limb_contacts(body, lambda xy: np.zeros(xy.shape[:-1]))
    assert np.flatnonzero(left.touches)[-1] == np.flatnonzero(right.touches)[-1] == 59  # 20 mm at 60
    assert left.distance[left.touches].max() < 0.02


def test_a_foot_at_rest_close_above_the_ground_hovers(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """It stands for 1 s, is lifted by 40 mm in 0.1 s, and held there."""
    height = np.interp(np.arange(101) / 50.0, (1.0, 1.1), (0.0, 0.04))
    body = WholeBody(CheckedMotion.from_clip(standing(root_pos=root(z=height)), layout))
    body.motion.__dict__["ground_offset"] = 0.0
    left, _ = limb_contacts(body, lambda xy: np.zeros(xy.shape[:-1]))
    assert np.flatnonzero(left.hovers).tolist() == list(range(56, 101))
    assert contact_fit(left, 0.02, 0.02).hover_s == pytest.approx(0.9)


def test_a_single_deep_sample_counts_but_a_single_high_one_does_not(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    both = {foot: np.ones(101, dtype=bool) for foot in layout.foot_bodies}
    for z, expected in ((-0.03, -0.03), (0.03, 0.0)):
        height = np.zeros(101)
        height[50] = z
        clip = standing(root_pos=root(z=height), contacts=both)
        (left, _) = limb_contacts(
            WholeBody(CheckedMotion.from_clip(clip, layout)), lambda xy: 0.0 * xy[..., 0]
        )
        assert left.contact_distances == pytest.approx([expected], abs=1e-6)
        assert left.contacts[0].worst == 50 or z > 0.0


def test_few_contacts_that_are_off_are_a_warning(
    standing: Callable[..., Clip], root: Callable[..., np.ndarray], layout: RobotLayout
) -> None:
    """Three stances, of which the second is 3 cm too high."""
    touches = np.ones(101, dtype=bool)
    touches[[33, 66]] = False
    height = np.zeros(101)
    height[34:66] = 0.03
    clip = standing(root_pos=root(z=height), contacts={foot: touches for foot in layout.foot_bodies})
    body = WholeBody(CheckedMotion.from_clip(clip, layout))
    findings = terrain_contacts(body.motion, limb_contacts(body, lambda xy: 0.0 * xy[..., 0]), DEFAULT)
    assert [f.severity for f in findings] == ["warning", "warning"]
    assert findings[0].message == (
        "left foot: 1 of 3 contacts are more than 20 mm off the terrain, the worst 30 mm above it from 0.68 to "
        "1.30 s (frames 34 to 65)"
    )


def test_a_report_has_them(layout: RobotLayout) -> None:
    clip = moved(read_clip(TERRAIN / "slope.npz"), 0.0, 0.0, 0.05)
    report = validate(clip, layout, mesh_ground(clip.terrain_path))
    assert [fit.label for fit in report.contacts] == ["left foot", "right foot"]
    assert [f.subject for f in report.findings if f.check == "terrain_contacts"] == list(layout.foot_bodies)
    higher = validate(clip, layout, mesh_ground(clip.terrain_path), surface=lambda xy: 0.0 * xy[..., 0] + 9.0)
    assert higher.contacts[0].mean_m < -8.0  # what collides is judged, if it is another surface


def test_clips_on_flat_ground_have_no_terrain_to_fit(
    standing: Callable[..., Clip], layout: RobotLayout
) -> None:
    assert validate(standing(), layout).contacts == ()


def crawl(shared_dir: Path) -> tuple[Clip, Path]:
    folder = shared_dir / "data/g1/crawl_slope"
    return read_clip(folder / "motion.npz"), folder / "terrain.obj"


def test_every_contact_of_the_crawl_is_within_2_cm_of_its_slope(
    shared_dir: Path, layout: RobotLayout
) -> None:
    clip, mesh = crawl(shared_dir)
    findings, fits = judged(clip, layout, mesh)
    assert not findings
    assert {limb: fit.contacts >= 5 for limb, fit in fits.items()} == {
        "left foot": True,
        "right foot": True,
        "left hand": True,
        "right hand": True,
    }
    assert max(abs(fit.worst_m) for fit in fits.values()) < 0.02
    for hand in ("left hand", "right hand"):
        assert fits[hand].seconds > 8.0 and fits[hand].lowest_m > -0.002 and fits[hand].highest_m < 0.01


@pytest.mark.parametrize(
    ("shift", "severity", "worst"),
    [
        ((0.0, 0.0, 0.05), "error", 0.065),
        ((0.0, 0.1, 0.0), "warning", -0.022),
        ((0.0, -0.1, 0.0), "error", 0.03),
    ],
)
def test_a_crawl_beside_its_slope_is_told(
    shared_dir: Path, layout: RobotLayout, shift: tuple[float, ...], severity: str, worst: float
) -> None:
    """10 cm along a slope of 12.6 degrees are 22 mm of height."""
    clip, mesh = crawl(shared_dir)
    findings, fits = judged(moved(clip, *shift), layout, mesh)
    assert severity in {f.severity for f in findings}
    assert {f.subject for f in findings} >= {"right_ankle_roll_link", "left_wrist_yaw_link"}
    assert max((fit.worst_m for fit in fits.values()), key=abs) == pytest.approx(worst, abs=0.006)
