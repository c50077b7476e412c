"""Contacts of feet and hands with a terrain: where they are, and how far from the surface that collides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from legged_gym.motion.contacts import TOUCH_HEIGHT, TOUCH_SPEED, GroundHeight, foot_contact
from legged_gym.motion.surface_distance import sphere_distance
from legged_gym.motion.validation.findings import ContactFit, Finding
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.options import ValidationOptions
from legged_gym.motion.validation.spans import Span, label, length, runs
from legged_gym.motion.validation.whole_body import WholeBody

HOVER_HEIGHT, REST_SPEED = 0.05, 0.1
"""A limb that is slower than this (m/s) and this close (m) to the surface, but too high for a contact, hovers: whoever
was recorded may have stood on it."""


@dataclass(frozen=True, eq=False)
class LimbContacts:
    """The end of a limb, a foot or a hand, over T samples."""

    body: str
    label: str
    """As people call it."""
    distance: np.ndarray
    """(T,) signed distance of its collision geometry from the surface, m; negative inside."""
    touches: np.ndarray
    """(T,) bool: in contact."""
    hovers: np.ndarray
    """(T,) bool: at rest close above the surface, but not in contact."""
    points_w: np.ndarray
    """(T, 3) its lowest point over the ground, m."""
    contacts: tuple[Span, ...]
    """Each uninterrupted contact, and the sample of it that stands for its distance."""

    @property
    def contact_distances(self) -> np.ndarray:
        """(n,) signed distance of each contact, m.

        The depth of its deepest sample where that is inside the surface by more than the contact is above it in the
        median: inside is wrong at any time, but contacts begin and end a little above the surface.
        """
        return self.distance[[span.worst for span in self.contacts]]


def limb_contacts(body: WholeBody, surface: GroundHeight) -> list[LimbContacts]:
    """Contacts of the limbs that ever touch.

    Of feet as recorded; else a limb is in contact from the first to the last sample in which it is near and slow,
    unless it is well away or fast in between. Near is judged after the clip's constant offset is taken out, so that a
    clip that floats has its contacts, all of them too high.
    """
    limbs = (_limb(body, name, surface) for name in limb_ends(body))
    return [limb for limb in limbs if limb.contacts]


def _limb(body: WholeBody, name: str, surface: GroundHeight) -> LimbContacts:
    motion = body.motion
    own = np.flatnonzero(body.points.body == body.names.index(name))
    distances = sphere_distance(surface, body.points.centres_w(body.states)[:, own], body.points.radius[own])
    samples, nearest = np.arange(len(distances)), own[np.argmin(distances, axis=1)]
    distance, speed = distances.min(axis=1), body.point_speed[samples, nearest]
    above = distance - motion.ground_offset
    foot = motion.robot.foot_bodies.index(name) if name in motion.robot.foot_bodies else None
    recorded = None if foot is None else motion.recorded_contacts
    touches = _in_contact(above, speed) if recorded is None else recorded[:, foot]
    touches = touches & np.isfinite(distance)  # beyond the terrain is the matter of `ground_level`
    return LimbContacts(
        body=name,
        label=_geom_label(body.model, name) if foot is None else motion.foot_labels[foot],
        distance=distance,
        touches=touches,
        hovers=~touches & (above > TOUCH_HEIGHT) & (above < HOVER_HEIGHT) & (speed < REST_SPEED),
        points_w=body.points_w[samples, nearest],
        contacts=tuple(_contact(distance, first, last) for first, last in runs(touches)),
    )


def limb_ends(body: WholeBody) -> list[str]:
    """Feet, and other links that collide and carry no further ones, such as hands; in the model's order."""
    parents = set(body.model.body_parentid.tolist())
    colliding = set(body.points.body.tolist())
    return [
        name
        for index, name in enumerate(body.names)
        if index in colliding and (index + 1 not in parents or name in body.motion.robot.foot_bodies)
    ]


def contact_fit(limb: LimbContacts, step: float, tolerance: float) -> ContactFit:
    """Figures of a limb's contacts, at `step` seconds between samples and a tolerance in m."""
    held, each = limb.distance[limb.touches], limb.contact_distances
    return ContactFit(
        body=limb.body,
        label=limb.label,
        contacts=len(each),
        seconds=float(limb.touches.sum() * step),
        mean_m=float(held.mean()),
        lowest_m=float(held.min()),
        highest_m=float(held.max()),
        worst_m=float(each[np.argmax(np.abs(each))]),
        beyond=int((np.abs(each) > tolerance).sum()),
        beyond_time_share=float((np.abs(held) > tolerance).mean()),
        hover_s=float(limb.hovers.sum() * step),
    )


def terrain_contacts(
    motion: CheckedMotion, limbs: Sequence[LimbContacts], options: ValidationOptions
) -> list[Finding]:
    """Limbs with contacts off the surface: an error where it is most of them, or far."""
    findings = []
    for limb in limbs:
        each = limb.contact_distances
        beyond = np.abs(each) > options.contact_tolerance
        if not beyond.any():
            continue
        worst = int(np.argmax(np.abs(each)))
        far = abs(each[worst]) > options.clearance_error
        error = far or 2 * beyond.sum() > len(each)
        where = "inside" if each[worst] < 0.0 else "above"
        findings.append(
            motion.finding(
                "terrain_contacts",
                "error" if error else "warning",
                f"{limb.label}: {beyond.sum()} of {len(each)} contacts are more than "
                f"{length(options.contact_tolerance)} off the terrain, the worst {length(each[worst])} {where} it "
                f"{motion.during(limb.contacts[worst])}"
                + ("; does the clip play at another place of the mesh?" if error else ""),
                limb.contacts[worst],
                limb.body,
                each[worst],
                options.clearance_error if far else options.contact_tolerance,
                "m",
            )
        )
    return findings


def _in_contact(height: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """(T,) bool from (T,) m and (T,) m/s.

    `foot_contact` lets go only when the foot is 35 mm up, which is late for a foot that is lifted slowly; here contacts
    end as they begin.
    """
    touches = foot_contact(height, speed)
    down = (height < TOUCH_HEIGHT) & (speed < TOUCH_SPEED)
    for first, last in runs(touches):
        touches[first + int(np.flatnonzero(down[first : last + 1])[-1]) + 1 : last + 1] = False
    return touches


def _contact(distance: np.ndarray, first: int, last: int) -> Span:
    held = distance[first : last + 1]
    deepest = int(np.argmin(held))
    middle = int(np.argsort(held, kind="stable")[len(held) // 2])
    return Span(first, last, first + (deepest if -held[deepest] > held[middle] else middle))


def _geom_label(model: mujoco.MjModel, name: str) -> str:
    """left_hand_collision, a geom of left_wrist_yaw_link -> left hand."""
    body = model.body(name)
    for geom in range(body.geomadr[0], body.geomadr[0] + body.geomnum[0]):
        if model.geom(geom).name.endswith("_collision"):
            return model.geom(geom).name.removesuffix("_collision").replace("_", " ")
    return label(name)
