"""What walking robots are asked for, when that changes, and the clock of their steps."""

from __future__ import annotations

import math

import pytest
import torch

from legged_gym.bundle.schema import VelocitySpec
from legged_gym.envs.base.robot_velocity_config import CommandRangesCfg, CommandsCfg, GaitCfg
from legged_gym.envs.base.velocity_commands import GaitClock, VelocityCommands
from legged_gym.rl.bundle_content import describe
from legged_gym.rl.provenance import make_provenance
from legged_gym.utils.errors import ConfigError

DT = 0.02
LEFT, RIGHT = 0, 1


def make_commands(
    num_envs: int = 2, seed: int = 1, ranges: tuple | None = None, **fields
) -> VelocityCommands:
    cfg = CommandsCfg(**{"standing_share": 0.0, "max_speed": 10.0, **fields})
    if ranges is not None:
        cfg.ranges = CommandRangesCfg(*ranges)
    return VelocityCommands(cfg, num_envs, DT, torch.Generator().manual_seed(seed))


def drawn(num_envs: int = 2000, **fields) -> torch.Tensor:
    commands = make_commands(num_envs, **fields)
    commands.draw(torch.arange(num_envs))
    return commands.value


# ---------------------------------------------------------------------- drawing


def test_each_command_has_its_own_range_in_the_order_forwards_left_turn():
    value = drawn(ranges=((0.2, 0.4), (-0.7, -0.3), (1.0, 2.0)))
    for column, (low, high) in enumerate(((0.2, 0.4), (-0.7, -0.3), (1.0, 2.0))):
        ends = value[:, column].min().item(), value[:, column].max().item()
        assert ends == pytest.approx((low, high), abs=0.005 * (high - low))
        assert low <= ends[0] + 1e-6 and ends[1] - 1e-6 <= high
        assert value[:, column].mean().item() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))


def test_a_command_that_is_too_fast_keeps_its_direction_and_its_turn():
    value = drawn(num_envs=1, ranges=((3.0, 3.0), (4.0, 4.0), (2.0, 2.0)), max_speed=1.0)
    torch.testing.assert_close(value, torch.tensor([[0.6, 0.8, 2.0]]))
    slow = drawn(num_envs=1, ranges=((0.3, 0.3), (-0.4, -0.4), (2.0, 2.0)), max_speed=1.0)
    torch.testing.assert_close(slow, torch.tensor([[0.3, -0.4, 2.0]]))


def test_the_standing_share_is_asked_for_nothing_at_all():
    assert (drawn(standing_share=1.0) == 0.0).all()
    ranges = ((0.5, 0.6), (0.5, 0.6), (0.5, 0.6))  # nothing that the dead band could take
    value = drawn(num_envs=8000, ranges=ranges, standing_share=0.3)
    standing = (value == 0.0).all(-1)
    assert standing.float().mean().item() == pytest.approx(0.3, abs=0.02)  # four standard deviations
    assert (value[~standing] >= 0.5).all()


def test_the_dead_band_is_of_the_speed_and_of_the_turn_apart():
    commands = make_commands(4, dead_band=0.1)
    asked = [[0.06, 0.06, 0.5], [0.08, -0.08, 0.09], [0.5, 0.0, -0.09], [0.05, 0.05, -0.05]]
    commands.set(torch.arange(4), torch.tensor(asked))
    # |(0.06, 0.06)| = 0.085 m/s, |(0.08, -0.08)| = 0.113 m/s
    expected = [[0.0, 0.0, 0.5], [0.08, -0.08, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]
    torch.testing.assert_close(commands.value, torch.tensor(expected))
    assert commands.standing.tolist() == [False, False, False, True]


def test_a_command_lasts_its_time_to_the_step_and_each_robot_has_its_own_time():
    commands = make_commands(resampling_time=0.1)  # 5 steps
    commands.draw(torch.arange(2))
    first = commands.value.clone()
    for _ in range(2):
        commands.move_on()
    commands.set(torch.tensor([1]), torch.tensor([[0.7, 0.0, 0.0]]))
    for step in (3, 4):
        commands.move_on()
        assert torch.equal(commands.value[0], first[0]) and commands.age[0] == step
    commands.move_on()
    assert not torch.equal(commands.value[0], first[0]) and commands.age[0] == 0
    assert commands.value[1].tolist() == pytest.approx([0.7, 0.0, 0.0]) and commands.age[1] == 3


def test_the_seed_decides_what_is_asked():
    first, again, other = (make_commands(seed=seed) for seed in (1, 1, 2))
    for commands in (first, again, other):
        commands.draw(torch.arange(2))
    assert torch.equal(first.value, again.value) and not torch.equal(first.value, other.value)


# ---------------------------------------------------------------------- the clock


def make_clock(num_envs: int = 1, **fields) -> GaitClock:
    return GaitClock(GaitCfg(**fields), num_envs, 2, DT, "cpu")


def test_each_foot_stands_for_its_share_of_the_stride_and_both_for_the_overlap():
    clock = make_clock(period=0.8, stance_share=0.55)  # 40 steps
    clock.phase[:] = 0.0125  # half a step in, so that no step falls on a boundary
    stance = []
    for _ in range(40):
        stance.append(clock.stance()[0])
        clock.move_on()
    stance = torch.stack(stance)
    assert stance.sum(0).tolist() == [22, 22]
    assert stance.all(-1).sum() == 4 and not (~stance).all(-1).any()
    assert torch.equal(stance[:, RIGHT], stance[:, LEFT].roll(-20))  # half a stride apart
    assert clock.phase.item() == pytest.approx(0.0125, abs=1e-5)  # a stride later the clock shows the same


def test_the_left_foot_lands_when_the_stride_begins():
    clock = make_clock(2, stance_share=0.55)
    clock.phase[:] = torch.tensor([0.0, 0.999])
    assert clock.stance()[:, LEFT].tolist() == [True, False]
    clock.phase[:] = torch.tensor([0.5, 0.499])
    assert clock.stance()[:, RIGHT].tolist() == [True, False]


def test_a_swinging_foot_rises_and_sinks_as_half_a_sine():
    clock = make_clock(6, stance_share=0.55, swing_height=0.08)
    swing = 0.45
    clock.phase[:] = torch.tensor(
        [0.0, 0.54, 0.55 + 0.25 * swing, 0.55 + 0.5 * swing, 0.55 + 0.75 * swing, 0.9999]
    )
    expected = [0.0, 0.0, 0.08 * math.sqrt(0.5), 0.08, 0.08 * math.sqrt(0.5), 0.0]
    assert clock.clearance()[:, LEFT].tolist() == pytest.approx(expected, abs=1e-4)
    clock.phase[:] = (clock.phase + 0.5) % 1.0
    assert clock.clearance()[:, RIGHT].tolist() == pytest.approx(expected, abs=1e-4)


# ---------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("commands.ranges.lin_vel_x", (0.5, -0.5)),
        ("commands.ranges.lin_vel_y", (0.1, 0.0)),
        ("commands.ranges.ang_vel_yaw", (1.0, -1.0)),
        ("commands.max_speed", 0.0),
        ("commands.resampling_time", -1.0),
        ("commands.resampling_time", math.nan),
        ("commands.standing_share", 1.1),
        ("commands.standing_share", -0.1),
        ("gait.period", 0.0),
        ("gait.stance_share", 0.0),
        ("gait.stance_share", 1.0),
        ("terrain.kinds", []),
        ("terrain.num_levels", 0),
    ],
)
def test_a_value_that_no_robot_can_be_trained_with_is_named(walker_cfg, make_walker, field, value):
    *groups, name = field.split(".")
    target = walker_cfg.env
    for group in groups:
        target = getattr(target, group)
    setattr(target, name, value)
    with pytest.raises(ConfigError, match=field):
        make_walker()


# ---------------------------------------------------------------------- what a robot is told of it


def test_a_bundle_says_what_was_asked_for_and_the_clock(make_walker, walker_cfg, make_env):
    commands = walker_cfg.env.commands
    commands.ranges = CommandRangesCfg(lin_vel_x=(-0.5, 1.0), lin_vel_y=(-0.2, 0.3), ang_vel_yaw=(-0.4, 0.6))
    commands.max_speed, commands.dead_band, walker_cfg.env.gait.period = 0.9, 0.05, 0.7
    origin = make_provenance(config={}, run="", iteration=0, samples=0, clips={}, evaluation=None)
    walker = make_walker()
    said = describe(walker, "g1", walker.robot, False, origin).velocity
    assert said == VelocitySpec((-0.5, 1.0), (-0.2, 0.3), (-0.4, 0.6), 0.9, 0.05, 0.7)
    tracker = make_env()
    clips = dict(zip(tracker.data.clip_names, tracker.data.files, strict=True))
    origin = make_provenance(config={}, run="", iteration=0, samples=0, clips=clips, evaluation=None)
    assert describe(tracker, "g1_deepmimic", tracker.robot, False, origin).velocity is None
