"""Variations of the physics: what each of them changes."""

from __future__ import annotations

import mujoco
import pytest

from legged_gym.evaluation.simulations import SIMULATIONS, chosen, gaps, simulated
from legged_gym.utils import task_registry
from legged_gym.utils.errors import ConfigError


def trained():
    cfg = task_registry.get("g1_deepmimic").configure("robust").env
    cfg.env.num_envs, cfg.sim.num_threads = 2, 1
    return cfg


@pytest.mark.parametrize("name", SIMULATIONS)
def test_every_variation_keeps_the_policys_rate_and_has_no_randomness_of_training(name):
    before, cfg = trained(), simulated(name, trained(), start_noise=1.0)
    assert cfg.sim.dt * cfg.control.decimation == pytest.approx(before.sim.dt * before.control.decimation)
    assert not cfg.domain_rand.randomize_friction
    assert not cfg.domain_rand.push_robots
    assert cfg.noise.noise_scales.dof_vel == 0.0


def test_each_changes_what_it_says():
    dts = {name: simulated(name, trained(), 1.0).sim.dt for name in SIMULATIONS}
    assert (dts["as_trained"], dts["mujoco"], dts["mujoco_fine"], dts["mujoco_finest"]) == (
        0.01,
        0.005,
        0.002,
        0.001,
    )
    assert simulated("elliptic", trained(), 1.0).sim.cone == "elliptic"
    assert simulated("cg", trained(), 1.0).sim.solver == "cg"
    feet = simulated("rails", trained(), 1.0).asset
    assert (feet.use_alt_files, feet.foot_variants) == (True, ["rails"])
    delay = simulated("delay", trained(), 1.0).domain_rand
    assert (delay.control_delays, delay.control_delay_min, delay.control_delay_max) == (True, 5, 5)  # x 2 ms


def test_cone_and_solver_reach_the_engine():
    task, cfg = task_registry.get("g1_deepmimic"), trained()
    cfg.sim.cone, cfg.sim.solver = "elliptic", "cg"
    option = task.load_env_class()(cfg, seed=1).sim.model.opt
    assert (option.cone, option.solver) == (mujoco.mjtCone.mjCONE_ELLIPTIC, mujoco.mjtSolver.mjSOL_CG)


def test_a_step_that_does_not_fit_the_control_period_is_refused():
    cfg = trained()
    cfg.sim.dt, cfg.control.decimation = 0.007, 3
    with pytest.raises(
        ConfigError, match=r"--sims=mujoco_fine: the control period of 0.021 s is no multiple"
    ):
        simulated("mujoco_fine", cfg, 1.0)


def test_names_are_chosen_once_and_in_order():
    assert chosen(["cg", "mujoco", "cg"]) == ["cg", "mujoco"]
    with pytest.raises(ConfigError, match="no simulation 'bullet'; known: as_trained, mujoco"):
        chosen(["mujoco", "bullet"])


def test_the_gap_is_what_is_lost_against_training():
    figures = {"as_trained": {"success_rate": 1.0}, "cg": {"success_rate": 0.75}}
    assert gaps(figures) == {"cg": 0.25}
    assert gaps({"cg": {"success_rate": 0.75}}) == {}
