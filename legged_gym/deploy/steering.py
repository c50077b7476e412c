"""From the remote's sticks to what the policy is told: a velocity and the clock of its steps, or a place to go to."""

from __future__ import annotations

import math

from legged_gym.bundle.schema import VelocitySpec
from legged_gym.deploy.carrot import Carrot, Pose
from legged_gym.deploy.deploy_config import SteeringCfg
from legged_gym.deploy.remote import Remote


class VelocitySteering:
    """Velocities within the ranges of training, and the gait clock, as training's own env makes them."""

    def __init__(self, spec: VelocitySpec, cfg: SteeringCfg, control_dt: float) -> None:
        """The robot stands, its clock at 0."""
        self._spec, self._cfg = spec, cfg
        self._advance = control_dt / spec.gait_period
        self._stride = round(spec.gait_period / control_dt)
        self.restart()

    def restart(self) -> None:
        """Begin standing."""
        self.velocity = (0.0, 0.0, 0.0)
        """Forwards and left, m/s, turning left, rad/s."""
        self._phase, self._rest = 0.0, self._stride

    @property
    def gait_phase(self) -> float | None:
        """Share of the stride that has passed; None after a whole stride without a command."""
        return None if self._rest >= self._stride else self._phase

    def look(self, remote: Remote) -> None:
        """Take the sticks' command: shortened to the longest speed, and 0 where it is within the dead band."""
        spec = self._spec
        x = _within(_pushed(remote.ly, self._cfg), spec.lin_vel_x)
        y = _within(_pushed(-remote.lx, self._cfg), spec.lin_vel_y)
        turn = _within(_pushed(-remote.rx, self._cfg), spec.ang_vel_yaw)
        speed = math.hypot(x, y)
        shortened = min(1.0, spec.max_speed / speed) if speed else 1.0
        x, y = x * shortened, y * shortened
        if math.hypot(x, y) < spec.dead_band:
            x = y = 0.0
        self.velocity = (x, y, 0.0 if abs(turn) < spec.dead_band else turn)
        if any(self.velocity):
            self._rest = -1  # the stride to come to rest begins at the first step without a command

    def advance(self) -> None:
        """A control period has passed."""
        self._phase = (self._phase + self._advance) % 1.0
        self._rest = min(self._rest + 1, self._stride)


class TargetSteering:
    """Where the anchor should go and turn, in its own heading frame.

    With odometry a target goes ahead of the robot at the sticks' velocity, on a leash, as training's joystick does.
    Without it the sticks are the target: VideoMimic's way.
    """

    def __init__(self, cfg: SteeringCfg, control_dt: float) -> None:
        """The robot is to stay."""
        self._cfg, self._dt, self._carrot = cfg, control_dt, Carrot()
        self._fresh = True

    def restart(self) -> None:
        """The target is where the robot is at the next look."""
        self._fresh = True

    def look(self, remote: Remote, robot: Pose | None) -> Pose:
        """The target: x, y (m) and turn (rad), seen from the robot.

        Args:
            remote: The sticks.
            robot: Where the robot's anchor is and faces, in a world that does not move; None: nobody knows.
        """
        cfg = self._cfg
        forwards, left, turn = _pushed(remote.ly, cfg), _pushed(-remote.lx, cfg), _pushed(-remote.rx, cfg)
        if robot is None:
            return cfg.reach_m * forwards, cfg.reach_m * left, cfg.reach_rad * turn
        if self._fresh:
            self._carrot.restart(robot)
            self._fresh = False
            return 0.0, 0.0, 0.0
        velocity = (cfg.lin_vel_x * forwards, cfg.lin_vel_y * left, cfg.ang_vel_yaw * turn)
        return self._carrot.move_on(velocity, self._dt, robot)


def _pushed(stick: float, cfg: SteeringCfg) -> float:
    """A stick within -1 .. 1, and 0 while it rests."""
    return 0.0 if abs(stick) < cfg.dead_zone else max(-1.0, min(1.0, stick))


def _within(share: float, limits: tuple[float, ...]) -> float:
    """A share -1 .. 1 of the way to the lower or the upper limit."""
    low, high = limits
    return share * (max(high, 0.0) if share > 0.0 else -min(low, 0.0))
