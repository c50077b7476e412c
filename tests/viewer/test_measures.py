"""What charts and the table show, against the simulation they are about."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from legged_gym.evaluation.judging import ERRORS, tracking_errors
from legged_gym.viewer.measures import WINDOW_S, History, figures, measures_of
from legged_gym.viewer.session import Session, untrained


@pytest.fixture
def session(make_env) -> Session:
    session = Session(make_env, 2, untrained("random", 1))
    for _ in range(3):
        session.step()
    return session


def test_every_measure_has_a_value_for_each_of_its_columns(session: Session) -> None:
    for name, measure in measures_of(session.env).items():
        values = measure.read(1)
        assert values.shape == (len(measure.columns),), name
        assert torch.isfinite(values).all(), name


def test_a_task_that_follows_commands_shows_velocity_and_no_reference(make_walker) -> None:
    session = Session(make_walker, 1, untrained("zero", 1))
    session.stage.drive("hand", (0.4, 0.0, 0.0))
    session.step()
    measures = measures_of(session.env)
    assert "link errors" not in measures
    assert measures["velocity"].read(0)[1] == pytest.approx(0.4)
    assert figures(session.env, 0)["asked"].startswith("+0.40")


def test_rewards_add_up_to_what_the_step_gave(session: Session) -> None:
    env = session.env
    _, reward, _, _ = env.step(torch.zeros(2, env.num_actions))
    parts = measures_of(env)["rewards"].read(0)
    assert float(parts.sum() * env.step_dt) == pytest.approx(float(reward[0]), rel=1e-4)


def test_torque_is_a_share_of_the_limit(session: Session) -> None:
    env = session.env
    share = measures_of(env)["torques"].read(0).numpy()
    np.testing.assert_allclose(share, env.sim.dof_torque[0].numpy() / env.robot.effort_limit, rtol=1e-5)
    assert np.abs(share).max() <= 1.0 + 1e-5


def test_a_joint_target_at_a_limit_is_one_or_minus_one(session: Session) -> None:
    env = session.env
    read = measures_of(env)["joint targets"].read
    for limit, share in ((env.robot.dof_upper, 1.0), (env.robot.dof_lower, -1.0)):
        env.joint_targets[1] = torch.as_tensor(limit)
        np.testing.assert_allclose(read(1).numpy(), share, atol=1e-5)


def test_velocity_stands_beside_the_references(session: Session) -> None:
    env = session.env
    quarter = torch.tensor([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)])  # to the left: y is forwards
    env.sim.root_quat_wxyz[0] = env.reference.root_quat_wxyz[0] = quarter
    env.sim.root_lin_vel_w[0] = torch.tensor([0.0, 0.5, 0.0])
    env.reference.root_lin_vel_w[0] = torch.tensor([-0.2, 0.4, 0.0])
    env.reference.root_ang_vel_w[0] = torch.tensor([0.0, 0.0, 0.3])
    x, asked_x, y, asked_y, _, asked_turn = measures_of(env)["velocity"].read(0).tolist()
    np.testing.assert_allclose([x, asked_x, y, asked_y, asked_turn], [0.5, 0.4, 0.0, 0.2, 0.3], atol=1e-6)


def test_a_turn_of_the_root_is_its_orientation_error(session: Session) -> None:
    env = session.env
    session.restart()
    half = np.deg2rad(30.0) / 2.0
    env.sim.root_quat_wxyz[0] = torch.tensor([np.cos(half), 0.0, 0.0, np.sin(half)])
    env.reference.root_quat_wxyz[0] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    angle, yaw = measures_of(env)["orientation"].read(0).tolist()
    assert angle == pytest.approx(30.0, abs=0.1) and yaw == pytest.approx(30.0, abs=0.1)


def test_tilt_is_the_angle_to_the_vertical(session: Session) -> None:
    half = np.deg2rad(20.0) / 2.0
    session.env.sim.root_quat_wxyz[0] = torch.tensor([np.cos(half), np.sin(half), 0.0, 0.0])
    assert measures_of(session.env)["tilt"].read(0).item() == pytest.approx(20.0, abs=0.1)


def test_history_keeps_what_is_watched_for_the_window(session: Session) -> None:
    history = History(session.env)
    history.watch("tilt", True)
    steps = round(WINDOW_S / session.env.step_dt)
    for _ in range(steps + 50):
        history.note(0)
    time, tilt = history.series("tilt")
    assert len(time) == len(tilt) == steps
    assert time[-1] == 0.0 and time[0] == pytest.approx(-(steps - 1) * session.env.step_dt)
    assert history.watched == ("tilt",)
    history.watch("tilt", False)
    assert history.watched == ()


def test_the_table_says_what_evaluation_would(session: Session) -> None:
    env = session.env
    errors = dict(zip(ERRORS, tracking_errors(env.sim, env.reference, env.tracked)[1].tolist(), strict=True))
    table = figures(env, 1)
    assert table["link error"].startswith(f"{errors['mpjpe_mm']:.0f} mm")
    assert table["joint error"] == f"{errors['joint_error_rad']:.3f} rad"
