"""Where episodes start, and in which physics."""

from __future__ import annotations

import pytest

from legged_gym.envs.g1.g1_config import G1Cfg
from legged_gym.envs.g1.g1_deepmimic_config import G1DeepMimicCfg
from legged_gym.evaluation.evaluator import plan_starts, spaced_frames
from legged_gym.evaluation.protocol import ProtocolArgs, check_protocol, evaluation_config
from legged_gym.utils.errors import ConfigError


def test_fine_physics_keeps_the_control_period() -> None:
    cfg = G1DeepMimicCfg()
    cfg.sim.dt, cfg.control.decimation = 0.01, 2
    fine = evaluation_config(cfg, "fine")
    assert (fine.sim.dt, fine.control.decimation) == (0.005, 4)
    assert (cfg.sim.dt, cfg.control.decimation) == (0.01, 2), "the training configuration must stay as it is"


@pytest.mark.parametrize(
    "physics, dt, decimation", [("as_trained", 0.01, 2), ("fine", 0.002, 10), ("fine", 0.005, 4)]
)
def test_physics_is_never_made_coarser(physics, dt, decimation) -> None:
    cfg = G1DeepMimicCfg()
    cfg.sim.dt, cfg.control.decimation = dt, decimation
    judged = evaluation_config(cfg, physics)
    assert (judged.sim.dt, judged.control.decimation) == (dt, decimation)


def test_a_control_period_that_5_ms_do_not_divide_is_refused() -> None:
    cfg = G1DeepMimicCfg()
    cfg.sim.dt, cfg.control.decimation = 0.0166, 1
    with pytest.raises(ConfigError, match="as_trained"):
        evaluation_config(cfg, "fine")


def test_start_noise_does_not_depend_on_that_of_training() -> None:
    cfg = G1DeepMimicCfg()
    cfg.noise.init_noise_scales.dof_pos = 0.5
    noise = evaluation_config(cfg, "fine", start_noise=0.5).noise.init_noise_scales
    assert noise.dof_pos == pytest.approx(0.015)
    assert noise.root_lin_vel == pytest.approx(0.075)


def test_walking_is_judged_on_all_levels_and_in_fine_physics_whatever_it_learned_in() -> None:
    cfg = G1Cfg()
    judged = evaluation_config(cfg, "fine")
    assert cfg.terrain.curriculum and not judged.terrain.curriculum
    assert (judged.sim.dt, judged.control.decimation) == (0.005, 4)
    assert judged.noise.init_noise_scales.root_lin_vel == pytest.approx(0.15)
    assert judged.commands == cfg.commands


@pytest.mark.parametrize(
    "field, value",
    [
        ("num_starts", 0),
        ("num_from_start", -1),
        ("start_noise", -0.1),
        ("num_trials", 0),
        ("trial_seconds", 0.0),
    ],
)
def test_options_out_of_range_are_refused(field, value) -> None:
    with pytest.raises(ConfigError, match=field):
        check_protocol(ProtocolArgs(**{field: value}))


def test_starts_are_evenly_spaced_and_leave_two_frames_to_play() -> None:
    assert spaced_frames(100, 10, 4).tolist() == [100, 102, 104, 106]  # of 8 candidates
    assert spaced_frames(0, 250, 32).tolist()[-1] == 31 * 248 // 32


def test_a_short_clip_has_fewer_starts() -> None:
    assert spaced_frames(7, 5, 32).tolist() == [7, 8, 9]
    assert spaced_frames(7, 2, 32).tolist() == [7]


def test_every_clip_has_spread_and_noisy_starts(make_env) -> None:
    data = make_env(1).data
    starts = plan_starts(data, ProtocolArgs(num_starts=3, num_from_start=2))
    # long: 31 frames, 29 candidates; short starts at frame 31 and has 9
    assert starts.frames.tolist() == [0, 9, 19, 0, 0, 31, 34, 37, 31, 31]
    assert starts.from_start.tolist() == [False, False, False, True, True] * 2


def test_without_noise_one_episode_from_the_first_frame_says_it_all(make_env) -> None:
    starts = plan_starts(make_env(1).data, ProtocolArgs(num_starts=1, num_from_start=32, start_noise=0.0))
    assert starts.from_start.sum() == 2  # one per clip
