"""A clip on its terrain: where it touches, how it is moved, and a picture of both."""

from __future__ import annotations

import dataclasses
import io

import numpy as np

from legged_gym.motion.clip import Clip, Links
from legged_gym.motion.contacts import GroundHeight
from legged_gym.motion.robot_layout import RobotLayout
from legged_gym.motion.rotations import quat_about_axis, quat_mul
from legged_gym.motion.validation.motion import CheckedMotion
from legged_gym.motion.validation.terrain_contacts import limb_contacts
from legged_gym.motion.validation.whole_body import WholeBody
from legged_gym.terrain.alignment import Alignment
from legged_gym.terrain.geometry import TileGeometry


def contact_points(clip: Clip, robot: RobotLayout, surface: GroundHeight) -> dict[str, np.ndarray]:
    """Of each foot and hand that touches the ground: (K, 3) its lowest point in every frame in which it does, m."""
    body = WholeBody(CheckedMotion.from_clip(clip, robot, surface))
    return {limb.label: limb.points_w[limb.touches] for limb in limb_contacts(body, surface)}


def moved(clip: Clip, by: Alignment) -> Clip:
    """The clip turned about the pivot and raised, with a note in its history."""
    turn = quat_about_axis(2, np.array(by.dyaw))
    links = clip.links
    if links is not None:
        links = Links(links.names, by.points(links.pos_w), quat_mul(turn, links.quat_wxyz))
    return dataclasses.replace(
        clip,
        root_pos=by.points(clip.root_pos),
        root_quat_wxyz=quat_mul(turn, clip.root_quat_wxyz),
        links=links,
        history=(
            *clip.history,
            f"aligned with {clip.terrain}: raised by {1e3 * by.dz:.3g} mm, turned by {np.rad2deg(by.dyaw):.3g} degrees "
            f"about ({by.pivot[0]:.3f}, {by.pivot[1]:.3f}); contacts {1e3 * by.rms_before_m:.3g} mm off before, "
            f"{1e3 * by.rms_after_m:.3g} mm after (root mean square)",
        ),
    )


def picture(tile: TileGeometry, clip: Clip, points: np.ndarray, gap: np.ndarray) -> bytes:
    """PNG: the terrain from above with the root's path and the contacts, and the contacts' distances from it.

    Args:
        tile: the terrain.
        clip: the clip as it will be used.
        points: (K, 3) its contacts.
        gap: (K,) their heights above the surface, m.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), dpi=100, layout="constrained")
    above, histogram = figure.subplots(1, 2, width_ratios=(3, 2))
    low, high = tile.raster.low, tile.raster.high
    image = above.imshow(
        tile.raster.heights, origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap="terrain"
    )
    figure.colorbar(image, ax=above, label="ground height (m)", location="bottom", shrink=0.6)
    above.plot(*clip.root_pos[:, :2].T, color="black", lw=1, label="root")
    limit = max(0.02, float(np.nanquantile(np.abs(gap), 0.95)))
    dots = above.scatter(*points[:, :2].T, c=gap, s=6, cmap="coolwarm", vmin=-limit, vmax=limit)
    figure.colorbar(
        dots,
        ax=above,
        label="contact above ground (m)",
        location="bottom",
        shrink=0.6,
        ticks=(-limit, 0, limit),
    )
    reach = np.concatenate((clip.root_pos[:, :2], points[:, :2]))
    above.set_xlim(reach[:, 0].min() - 0.5, reach[:, 0].max() + 0.5)
    above.set_ylim(reach[:, 1].min() - 0.5, reach[:, 1].max() + 0.5)
    above.set(xlabel="x (m)", ylabel="y (m)", title=clip.name)
    histogram.hist(1e3 * gap[np.isfinite(gap)], bins=40, range=(-1e3 * limit, 1e3 * limit))
    histogram.set(xlabel="contact above ground (mm)", ylabel="frames of a foot")
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()
