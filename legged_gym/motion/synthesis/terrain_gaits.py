"""Clips on terrain: a box, stairs, a ramp."""

from __future__ import annotations

from math import radians, tan

from legged_gym.motion.synthesis.balance import Support
from legged_gym.motion.synthesis.feet import Swing
from legged_gym.motion.synthesis.footsteps import LEFT, RIGHT, Move, plan_moves
from legged_gym.motion.synthesis.posture import Style
from legged_gym.motion.synthesis.synthesize import Gait
from legged_gym.motion.synthesis.terrain import Block, Terrain


def box() -> Gait:
    """Up onto a box and backwards down again, as in a gym: once with each foot first."""
    box = Terrain((Block("box", (0.38, 0.98), (-0.5, 0.5), (0.20, 0.20)),))
    up, swing_s = 0.27, 0.62
    moves = [Move(LEFT, (0.22, 0.0, 0.0), 0.5), Move(RIGHT, (0.0, 0.0, 0.0), 0.5, 0.12)]
    for lead in (LEFT, RIGHT):
        moves.append(Move(lead, (up, 0.0, 0.0), swing_s, 0.45))
        moves.append(Move(1 - lead, (0.0, 0.0, 0.0), swing_s, 0.20))
        moves.append(Move(lead, (-up, 0.0, 0.0), swing_s, 0.50))
        moves.append(Move(1 - lead, (0.0, 0.0, 0.0), swing_s, 0.20))
    return Gait(
        plan_moves(moves, terrain=box),
        Swing(clearance=0.10, heel_off=0.45, heel_strike=-0.25, heel_off_peak=0.45, heel_lands=0.90),
        Support(first=0.03, last=0.04, inward=0.012),
        Style(crouch=0.02, hinge=0.3, lean=0.15, bend=0.2, arms_out=0.15, dip=0.1, torso_level=2.5),
        terrain=box,
    )


def stairs() -> Gait:
    """Up three stairs foot over foot, across a landing, and down four lower ones, one foot joining the other.

    A leg that lets the body down bends its ankle to the limit while its sole is flat, so the way down is less steep.
    """
    tread, up, down = 0.30, 0.14, 0.105
    edges = (0.38, 0.68, 0.98, 1.48, 1.78, 2.08, 2.38)
    heights = (up, 2.0 * up, 3.0 * up, 3.0 * down, 2.0 * down, down)
    stairs = Terrain(
        tuple(
            Block(f"stair_{number}", (start, end), (-0.6, 0.6), (height, height))
            for number, (start, end, height) in enumerate(zip(edges, edges[1:], heights, strict=False), 1)
        )
    )
    toe, heel = 0.14, 0.07  # from an ankle to the edge ahead of it and behind it: 1 cm more than the sole
    advances = [0.22, tread, tread, tread, 0.0, 0.22, 0.0]
    advances += [toe + heel, tread - toe - heel] * 3 + [toe + heel, 0.0]
    moves = [
        Move(number % 2, (x, 0.0, 0.0), 0.62, 0.06 if number in (8, 10, 12, 14) else 0.14)
        for number, x in enumerate(advances)
    ]
    return Gait(
        plan_moves(moves, terrain=stairs),
        Swing(clearance=0.08, heel_off=0.6, heel_strike=-0.2, heel_off_peak=0.45, heel_lands=0.92),
        Support(first=0.03, last=0.03),
        Style(hinge=0.3, lean=0.1, dip=0.15, pelvis_yaw=0.8, pelvis_roll=0.05, torso_level=1.5, arms_out=0.1),
        terrain=stairs,
    )


def slope() -> Gait:
    """Up a ramp of 10 degrees onto a platform."""
    length, start = 1.5, 0.36
    height = round(length * tan(radians(10.0)), 4)
    ramp = Terrain(
        (
            Block("ramp", (start, start + length), (-0.6, 0.6), (0.0, height)),
            Block("platform", (start + length, start + length + 1.2), (-0.7, 0.7), (height, height)),
        )
    )
    moves = [Move(LEFT, (0.20, 0.0, 0.0), 0.46, 0.10)]
    moves += [Move(number % 2, (0.25, 0.0, 0.0), 0.46, 0.10) for number in range(1, 9)]
    moves.append(Move(RIGHT, (0.0, 0.0, 0.0), 0.46, 0.10))
    return Gait(
        plan_moves(moves, terrain=ramp),
        Swing(clearance=0.065, heel_off=0.3, heel_strike=0.06),
        style=Style(hinge=0.08, lean=0.06),
        terrain=ramp,
    )
