"""What is written and drawn over a picture of a recording."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from legged_gym.evaluation.recording import Recording

STRIP = 52
"""Height of the caption, pixels."""
TEXT, FAINT, ALARM = (255, 255, 255), (190, 199, 212), (255, 120, 105)
IS_COLOR, SHOULD_COLOR = (225, 227, 230), (74, 138, 245)
"""Of the robot and of its reference, and of what stands for them."""
SHADE = (18, 24, 33)
"""Behind text and dial."""
RING = (88, 98, 112)
"""On the dial at half a metre."""
LABEL_STEP = 50
"""Labels are a multiple of this wide, pixels, so that figures that change do not shake them."""
DIAL = 0.12
"""Radius of the dial against the height of the picture; it stands for one metre."""
SUPERSAMPLING = 3
"""Of the dial; lines are not smooth otherwise."""


def with_overlay(picture: np.ndarray, recording: Recording, index: int) -> np.ndarray:
    """A picture (H, W, 3) of one state with its caption, and with a dial of where the robot goes and should."""
    image = Image.fromarray(picture)
    ways = recording.ways(index)
    if ways is not None:
        radius = round(DIAL * image.height)
        dial = _dial(ways, radius)
        image.paste(dial, (radius // 3, radius // 3), dial)
    _draw_caption(image, recording, index)
    return np.asarray(image)


def _dial(ways: tuple[np.ndarray, np.ndarray], radius: int) -> Image.Image:
    """The robot from above, its heading upwards, and the two ways (P, 2) as arrows; transparent outside."""
    r = SUPERSAMPLING * radius
    image = Image.new("RGBA", (2 * r, 2 * r))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 0, 2 * r - 1, 2 * r - 1), fill=(*SHADE, 200))
    draw.ellipse((0.5 * r, 0.5 * r, 1.5 * r, 1.5 * r), outline=RING, width=r // 60)
    nose = np.array([(0.14, 0.0), (-0.08, 0.09), (-0.08, -0.09)])
    draw.polygon(_on_dial(nose, r), fill=FAINT)
    # What is lies on what should be, which is wider.
    for way, color, width in zip(ways[::-1], (SHOULD_COLOR, IS_COLOR), (0.07 * r, 0.035 * r), strict=True):
        _draw_arrow(draw, _on_dial(way, r), color, width)
    return image.resize((2 * radius, 2 * radius), Image.Resampling.BOX)


def _on_dial(points: np.ndarray, radius: float) -> list[tuple[float, float]]:
    """Points forwards and left (P, 2), m, in pixels."""
    return [(radius * (1.0 - left), radius * (1.0 - forwards)) for forwards, left in points]


def _draw_arrow(
    draw: ImageDraw.ImageDraw, line: list[tuple[float, float]], color: tuple[int, int, int], width: float
) -> None:
    """A line with a round start and a head; just the start where it is shorter than it is wide."""
    (x, y), end = line[0], np.array(line[-1])
    draw.ellipse((x - 0.5 * width, y - 0.5 * width, x + 0.5 * width, y + 0.5 * width), fill=color)
    if np.linalg.norm(np.diff(line, axis=0), axis=1).sum() <= width:
        return
    draw.line(line, fill=color, width=round(width), joint="curve")
    along = end - line[-2]
    along *= width / np.linalg.norm(along)
    side = np.array([-along[1], along[0]])
    draw.polygon(
        [tuple(corner) for corner in (end + 2.2 * along, end + 1.5 * side, end - 1.5 * side)], fill=color
    )


def _draw_caption(image: Image.Image, recording: Recording, index: int) -> None:
    """A strip of text at the lower edge: name, time, what is shown, how good it is, and what failed."""
    width, height = image.size
    band = (0, height - STRIP, width, height)
    image.paste(Image.blend(image.crop(band), Image.new("RGB", (width, STRIP), SHADE), 0.78), band)
    draw = ImageDraw.Draw(image)
    bold, small = ImageFont.load_default(size=22), ImageFont.load_default(size=18)
    y = height - STRIP // 2 - 2
    draw.text((20, y), recording.name, font=bold, fill=TEXT, anchor="lm")
    x = 20 + draw.textlength(recording.name, font=bold) + 24
    time = f"{recording.time[index]:.2f} / {recording.length_s:.2f} s"
    draw.text((x, y), time, font=small, fill=FAINT, anchor="lm")
    failed = recording.failure is not None and index >= recording.failure
    verdict = _failure(recording) if failed else recording.figures(index)
    draw.text((width - 20, y), verdict, font=small, fill=ALARM if failed else TEXT, anchor="rm")
    labels = recording.legend(index)
    widths = [
        LABEL_STEP * math.ceil((draw.textlength(label, font=small) + 52) / LABEL_STEP) for label in labels
    ]
    x = 0.5 * (width - sum(widths))
    for label, color, step in zip(labels, (IS_COLOR, SHOULD_COLOR), widths, strict=True):
        draw.ellipse((x, y - 7, x + 14, y + 7), fill=color)
        draw.text((x + 22, y), label, font=small, fill=FAINT, anchor="lm")
        x += step
    done = recording.time[index] / max(recording.length_s, recording.step_dt)
    draw.rectangle((0, height - 4, round(width * done), height), fill=ALARM if failed else SHOULD_COLOR)


def _failure(recording: Recording) -> str:
    return f"{recording.cause} at {recording.time[recording.failure]:.2f} s"
