"""Domain randomisation: what each field does to the physics or the policy, and that off is off."""

from __future__ import annotations

import math

import mujoco
import pytest
import torch

from legged_gym.envs.base.domain_rand_config import DomainRandCfg, TrackingDomainRandCfg
from legged_gym.envs.terms import observations
from legged_gym.envs.terms.randomizations import CUT_OFF
from legged_gym.evaluation.protocol import evaluation_config
from legged_gym.utils.errors import ConfigError
from tests.envs.randomising import ALL, FRAMES, SWITCHES, place, run, switch_all_on, switch_on

# ---------------------------------------------------------------------- off


def test_everything_is_off_by_default_and_ranges_alone_change_nothing(task_cfg, make_env):
    assert not any(getattr(TrackingDomainRandCfg(), name) for name in SWITCHES)
    plain = make_env()
    expected = run(plain)
    switch_on(
        task_cfg,
        friction_range=(0.2, 0.3),
        control_delay_min=3,
        control_delay_max=4,
        torque_rfi_rand_scale=0.3,
    )
    env = make_env()
    got = run(env)
    for name in ("actor", "critic"):
        assert torch.equal(got[0][name], expected[0][name])
    assert torch.equal(got[1], expected[1])
    assert torch.equal(env.generator.get_state(), plain.generator.get_state())
    assert env.randomizer.state_dict() == {} and "randomization" not in env.tables()


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_changes_what_happens(task_cfg, make_env, switch):
    expected = run(make_env())[0]["actor"]
    switch_on(task_cfg, switch, control_delay_min=1, action_delay_min=1, push_interval_s=0.04)
    assert not torch.equal(run(make_env())[0]["actor"], expected)


def test_off_switches_off_whatever_is_a_switch():
    cfg = TrackingDomainRandCfg(**dict.fromkeys(SWITCHES, True), friction_range=(0.5, 0.6))
    off = cfg.off()
    assert not any(value is True for value in vars(off).values())
    assert off.friction_range == (0.5, 0.6) and cfg.push_robots


def test_evaluation_has_none_of_it(task_cfg, walker_cfg):
    switch_all_on(task_cfg)
    switch_on(walker_cfg, "push_robots")
    for cfg in (task_cfg.env, walker_cfg.env):
        judged = evaluation_config(cfg, "fine")
        assert not any(value is True for value in vars(judged.domain_rand).values())
        assert not judged.asset.use_alt_files
    kept = walker_cfg.env.domain_rand.push_robots and task_cfg.env.asset.use_alt_files
    assert kept, "the training configuration must stay as it is"


# ---------------------------------------------------------------------- start-up


def test_friction_bounds_what_the_ground_can_hold(walker_cfg, make_walker):
    switch_on(walker_cfg, "randomize_friction", friction_range=(0.1, 0.1))
    env = make_walker()
    assert (env.sim.parameter("friction") == 0.1).all()
    place(env.sim, env.robot, lin_vel=(1.0, 0.0, 0.0))
    ratios = []
    for _ in range(30):
        env.sim.step(1)
        force = env.sim.contact_force_w[:, env.feet].sum(1)
        ratios.append(force[:, :2].norm(dim=-1) / force[:, 2].clamp_min(50.0))
    assert 0.09 < torch.stack(ratios).max() < 0.1 * math.sqrt(2.0) + 1e-3  # the pyramid's corner


def test_added_mass_is_carried_by_the_feet(walker_cfg, make_walker):
    def carried(env):
        """Mass that the feet carry, by the law of momentum: sum of F dt = m (g t + change of velocity)."""
        place(env.sim, env.robot)
        impulse, steps, dt = torch.zeros(4), 40, env.sim.dt
        for _ in range(steps):
            env.sim.step(1)
            impulse += dt * env.sim.contact_force_w[:, env.feet, 2].sum(1)
        model, data = env.sim._batch.get_model(0), env.sim._batch.get_data(0)
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        return float(impulse[0]) / (9.81 * steps * dt + data.subtree_linvel[1, 2])

    plain = make_walker()
    assert carried(plain) == pytest.approx(plain.sim.model.body_subtreemass[1], rel=0.01)
    switch_on(walker_cfg, "randomize_base_mass", added_mass_range=(3.0, 3.0))
    assert carried(make_walker()) - carried(plain) == pytest.approx(3.0, rel=0.05)


def test_links_grow_heavier_as_if_denser(task_cfg, make_env):
    plain = make_env().sim
    mass, inertia = plain.parameter("body_mass"), plain.parameter("body_inertia")
    switch_on(task_cfg, "randomize_link_mass", "randomize_base_mass", added_mass_range=(1.0, 1.0))
    env = make_env()
    factor = env.randomizer.draws["link_mass"]
    assert 0.9 <= factor.min() < factor.max() <= 1.1 and factor.unique().numel() == factor.numel()
    expected = mass * factor
    expected[:, env.robot.body_names.index("torso_link")] += 1.0
    torch.testing.assert_close(env.sim.parameter("body_mass"), expected)
    ratio = env.sim.parameter("body_inertia") / inertia
    torch.testing.assert_close(ratio, (expected / mass).unsqueeze(-1).expand_as(ratio))


def test_the_centre_of_mass_moves_with_that_of_the_torso(task_cfg, make_env):
    def centre(env):
        model = env.sim._batch.get_model(2)
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        return torch.as_tensor(data.subtree_com[1]), model

    before, _ = centre(make_env())
    switch_on(task_cfg, "randomize_base_com")
    env = make_env()
    after, model = centre(env)
    share = model.body("torso_link").mass[0] / model.body_subtreemass[1]
    shift = env.randomizer.draws["base_com"][2].double()
    assert shift.abs().max() <= 0.025
    torch.testing.assert_close(after - before, share * shift, atol=1e-6, rtol=0)


def test_armature_adds_to_the_inertia_that_a_motor_feels(task_cfg, make_env):
    def diagonal(env):
        model = env.sim._batch.get_model(1)
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        full = torch.zeros(model.nv, model.nv, dtype=torch.float64).numpy()
        mujoco.mj_fullM(model, data, full)
        return torch.as_tensor(full).diagonal()[6:]

    before = diagonal(make_env())
    switch_on(task_cfg, "randomize_armature")
    env = make_env()
    factor = env.randomizer.draws["armature"][1].double()
    expected = torch.as_tensor(env.robot.armature) * (factor - 1.0)
    torch.testing.assert_close(diagonal(env) - before, expected, atol=1e-7, rtol=0)
    assert factor.min() >= 0.8 and factor.max() <= 1.2


def test_every_env_gets_the_feet_that_were_drawn_for_it(walker_cfg, make_walker):
    walker_cfg.env.env.num_envs, walker_cfg.env.asset.use_alt_files = 60, True
    env = make_walker()
    drawn = env.randomizer.draws["foot_variant"]
    assert torch.equal(env.sim.parameter("foot_variant"), drawn[:, 0].float())
    assert drawn.unique(return_counts=True)[1].min() > 10  # of 20 on average
    env.reset()
    assert torch.equal(env.sim.parameter("foot_variant"), drawn[:, 0].float())
    walker_cfg.env.asset.foot_variants = ["sole"]
    names = [env.sim.model.geom(geom).name for geom in range(env.sim.model.ngeom)]
    assert sum(name.startswith("foot_variant:") for name in names) == 8
    assert make_walker().randomizer.draws["foot_variant"].unique().tolist() == [0]


def test_other_feet_change_what_happens_and_named_alone_they_change_nothing(walker_cfg, make_walker):
    def steps():
        env = make_walker()
        generator = torch.Generator().manual_seed(0)
        for _ in range(12):
            obs = env.step(0.3 * torch.randn(4, env.num_actions, generator=generator))[0]
        return obs["actor"]

    plain = steps()
    walker_cfg.env.asset.foot_variants = ["sole"]
    assert torch.equal(steps(), plain)
    walker_cfg.env.asset.use_alt_files = True
    assert (steps() != plain).any(-1).all()


def spin_down(env, speed, steps, engine_friction=0.0):
    """Speeds of a limp elbow in weightlessness, all else held still, after each control step, (steps, N)."""
    elbow = env.joint_names.index("left_elbow_joint")
    limp = torch.ones(env.num_actions)
    limp[elbow] = 0.0
    env.sim.set_parameter("stiffness", (env.stiffness * limp).repeat(4, 1))
    env.sim.set_parameter("damping", (env.damping * limp).repeat(4, 1))
    env.sim.set_parameter("joint_friction", (engine_friction * (1.0 - limp)).repeat(4, 1))
    env.sim.set_parameter("gravity", torch.zeros(4, 3))
    place(env.sim, env.robot, height=3.0)
    env.sim.dof_vel[:, elbow] = env.sim._qvel[:, 6 + elbow] = speed
    speeds = []
    for _ in range(steps):
        env.randomizer.disturb()
        env.sim.step(2)
        speeds.append(env.sim.dof_vel[:, elbow].clone())
    return torch.stack(speeds)


def test_dry_friction_slows_a_joint_as_the_engines_own_does(task_cfg, make_env):
    free = spin_down(make_env(), 3.0, 3)
    engine = spin_down(make_env(), 3.0, 3, engine_friction=0.2)
    switch_on(task_cfg, "randomize_dof_friction", dof_friction_range=(0.2, 0.2))
    ours = spin_down(make_env(), 3.0, 3)
    assert (free - engine).min() > 0.1
    torch.testing.assert_close(free - ours, free - engine, rtol=0.03, atol=0)


def test_dry_friction_brings_a_joint_to_rest_and_never_turns_it_around(task_cfg, make_env):
    switch_on(task_cfg, "randomize_dof_friction", dof_friction_range=(5.0, 5.0))
    speeds = spin_down(make_env(), 0.5, 40)
    assert speeds.min() > -0.01 and speeds[-1].max() < 0.05  # the rest of the robot gives way a little


# ---------------------------------------------------------------------- episode


def first_torque(env, error):
    """Motor torques of the first substep at rest, with targets off the pose by an error."""
    env.randomizer.restart(ALL)
    q = place(env.sim, env.robot, height=3.0)
    env.sim.set_joint_targets(q + error)
    env.sim.step(1)
    return env.sim.dof_torque.clone()


def test_gains_scale_the_torque_of_a_servo(task_cfg, make_env):
    switch_on(task_cfg, "p_gain_rand", "d_gain_rand", p_gain_rand_scale=0.1, d_gain_rand_scale=0.1)
    env = make_env()
    torque = first_torque(env, 0.02)
    torch.testing.assert_close(
        torque, 0.02 * env.stiffness * env.randomizer.draws["p_gain"], rtol=1e-3, atol=0
    )
    torch.testing.assert_close(env.sim.parameter("damping"), env.damping * env.randomizer.draws["d_gain"])
    factor = torch.cat([make_env(seed).randomizer.draws["p_gain"] for seed in (1, 2, 3)]) - 1.0
    assert factor.std() == pytest.approx(0.1, rel=0.15) and factor.abs().max() <= CUT_OFF * 0.1 + 1e-6


def test_motor_strength_scales_gains_and_limit(task_cfg, make_env):
    switch_on(task_cfg, "randomize_motor_strength")
    env = make_env()
    strength = env.randomizer.draws["motor_strength"]
    torque = first_torque(env, 0.02)
    strength = env.randomizer.draws["motor_strength"]
    torch.testing.assert_close(torque, 0.02 * env.stiffness * strength, rtol=1e-3, atol=0)
    torch.testing.assert_close(env.sim.parameter("damping"), env.damping * strength)
    limit = first_torque(env, 30.0)
    strength = env.randomizer.draws["motor_strength"]
    assert 0.9 <= strength.min() < 1.0 < strength.max() <= 1.1
    torch.testing.assert_close(limit, env.effort_limit * strength, rtol=1e-5, atol=0)


def test_gains_and_strength_multiply(task_cfg, make_env):
    switch_on(task_cfg, "randomize_motor_strength", "p_gain_rand")
    env = make_env()
    draws = env.randomizer.draws
    expected = env.stiffness * draws["p_gain"] * draws["motor_strength"]
    torch.testing.assert_close(env.sim.parameter("stiffness"), expected)


def test_one_factor_scales_all_gains_of_a_robot_and_not_its_limits(task_cfg, make_env):
    switch_on(task_cfg, "randomize_gains", "p_gain_rand", gain_range=(0.5, 0.6))
    env = make_env()
    gains = env.randomizer.draws["gains"]
    assert gains.shape == (4, 1) and gains.unique().numel() == 4 and 0.5 <= gains.min() <= gains.max() <= 0.6
    torch.testing.assert_close(env.sim.parameter("damping"), env.damping * gains)
    expected = env.stiffness * gains * env.randomizer.draws["p_gain"]
    torch.testing.assert_close(env.sim.parameter("stiffness"), expected)
    torch.testing.assert_close(first_torque(env, 30.0), env.effort_limit.expand(4, -1), rtol=1e-5, atol=0)


def test_an_encoder_offset_is_seen_and_followed(task_cfg, make_env):
    task_cfg.env.deepmimic.init_velocities = False
    switch_on(task_cfg, "randomize_joint_zero")
    env = make_env()
    env.reset_to(ALL, FRAMES, noisy=False)
    obs, offset = env.observe(ALL), env.randomizer.draws["joint_zero"]
    assert 0.01 < offset.abs().max() <= 0.02
    columns = env.observation_layout()["actor"].slice_of("dof_pos")
    torch.testing.assert_close(obs["actor"][:, columns] - observations.dof_pos(env), offset)
    assert torch.equal(obs["critic"][:, columns], observations.dof_pos(env))
    # Asked for the pose it believes to be in, the servo rests: the action a reset leaves does just that.
    task_cfg.env.control.control_type = "P"
    env = make_env()
    env.reset_to(ALL, FRAMES, noisy=False)
    before = env.sim.dof_pos.clone()
    env.pipeline.apply(env.actions.clone())
    torch.testing.assert_close(env.joint_targets, before + env.randomizer.draws["joint_zero"])
    torch.testing.assert_close(env.randomizer.servo_targets(env.joint_targets), before)


def test_gravity_is_tilted_in_free_fall_and_in_what_the_robot_senses(walker_cfg, make_walker):
    switch_on(walker_cfg, "randomize_gravity", gravity_tilt_range=(0.1, 0.2))
    env = make_walker()
    place(env.sim, env.robot, height=5.0)
    env.sim.step(20)
    acceleration = env.sim.root_lin_vel_w / (20 * env.sim.dt)
    tilt = torch.atan2(acceleration[:, :2].norm(dim=-1), -acceleration[:, 2])
    torch.testing.assert_close(acceleration.norm(dim=-1), torch.full((4,), 9.81), rtol=1e-4, atol=0)
    torch.testing.assert_close(tilt, env.randomizer.draws["gravity_tilt"].norm(dim=-1), rtol=1e-3, atol=0)
    assert tilt.min() >= 0.1 and tilt.max() <= 0.2
    torch.testing.assert_close(observations.projected_gravity(env), acceleration / 9.81, atol=1e-3, rtol=0)


def test_a_torque_bias_acts_all_episode_long(task_cfg, make_env):
    reference = make_env()
    switch_on(task_cfg, "torque_rfi_rand", torque_rfi_rand_scale=0.1)
    env = make_env()
    for one in (reference, env):
        one.reset_to(ALL, FRAMES, noisy=False)
    bias = env.randomizer.draws["torque_bias"].clone()
    assert ((bias / env.effort_limit).abs() <= CUT_OFF * 0.1 + 1e-6).all() and bias.std() > 0.0
    for _ in range(5):
        reference.sim.set_joint_torques(bias)
        reference.advance(torch.zeros(4, env.num_actions))
        env.advance(torch.zeros(4, env.num_actions))
    assert torch.equal(env.sim.dof_pos, reference.sim.dof_pos)
    assert torch.equal(env.randomizer.draws["torque_bias"], bias)


def test_injected_torques_are_new_in_every_step_and_bounded(task_cfg, make_env, monkeypatch):
    switch_on(task_cfg, "torque_rfi_step_rand", torque_rfi_step_rand_scale=0.2)
    env = make_env()
    seen = []
    monkeypatch.setattr(env.sim, "set_joint_torques", lambda torques: seen.append(torques.clone()))
    for _ in range(20):
        env.randomizer.disturb()
    shares = torch.stack(seen) / env.effort_limit  # (steps, N, J)
    assert 0.19 < shares.abs().max() <= 0.2 and abs(shares.mean()) < 0.01
    assert shares.std() == pytest.approx(0.2 / math.sqrt(3.0), rel=0.05)
    assert shares.flatten(1).unique(dim=0).shape[0] == 20


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("friction_range", (1.0, 0.5), "lower one first"),
        ("friction_range", (0.0, 0.5), "above 0"),
        ("dof_friction_range", (-0.1, 0.5), "0 or more"),
        ("added_mass_range", (0.0, math.nan), "finite"),
        ("gravity_tilt_range", (0.0, 2.0), "pi/2"),
        ("p_gain_rand_scale", 0.5, "between 0 and 0.3"),
        ("torque_rfi_step_rand_scale", -0.1, "0 or more"),
        ("control_delay_min", -1, "0 or more"),
        ("control_delay_max", -1, "control_delay_min"),
        ("push_interval_s", 0.0, "positive"),
        ("max_push_vel_xy", math.inf, "finite"),
        ("odom_update_steps_min", 0, "1 or more"),
    ],
)
def test_values_that_no_robot_can_have_are_refused(field, value, message):
    cfg = TrackingDomainRandCfg()
    setattr(cfg, field, value)
    with pytest.raises(ConfigError, match=f"domain_rand.{field} is .*{message}"):
        cfg.check()


def test_no_more_mass_can_be_taken_than_there_is(task_cfg, make_env):
    switch_on(task_cfg, "randomize_base_mass", added_mass_range=(-90.0, -90.0))
    with pytest.raises(ConfigError, match=r"added_mass_range.*torso_link, which weighs"):
        make_env()


def test_a_task_without_a_reference_has_no_odometry_fields():
    assert not hasattr(DomainRandCfg(), "randomize_odom_update_frequency")
