"""The body of the simulated robot: MuJoCo's physics with the motors' law, the IMU, and a gantry."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from legged_gym.deploy.rotations import roll_pitch_of, tilt_of, yaw_of
from legged_gym.deploy.sim_robot_ground import SimGround
from legged_gym.deploy.sim_robot_options import BodyOptions
from legged_gym.deploy.transport import LowCommand
from legged_gym.sim.robot_model import Robot, build_robot
from legged_gym.sim.sim_config import ActuatorCfg, AssetCfg
from legged_gym.utils.errors import RobotError

VARIANTS: dict[int, tuple[str, ...]] = {
    5: (),
    4: ("waist_roll", "waist_pitch", "wrist_pitch", "wrist_yaw"),
    6: ("waist_roll", "waist_pitch"),
}
"""``mode_machine`` of revision 1.0 -> name patterns of the joints it lacks: 29 joints, 23 joints, locked waist."""
FALLEN_HEIGHT_M, FALLEN_TILT = 0.3, 1.0
"""The pelvis lower than this above the ground, or tilted more (rad): the robot has fallen."""
_IMU_SITE = "imu_in_pelvis"
_ROPE_STIFFNESS, _ROPE_DAMPING = 8000.0, 800.0
"""N/m and N s/m: 33 kg stretch it by 4 cm and do not bounce."""
_ROPE_TOP_M = 1.0
"""Length of the unloaded rope, m."""
_ROPE_ATTACHED_AT = np.array([0.0, 0.0, 0.35])
"""Where the rope holds the torso, in its frame: between the shoulders."""
_ROPE_TWIST_DAMPING = 20.0
"""N m s/rad about all axes, what two straps do."""


class SimBody:
    """One robot. ``command`` is what its motors follow; all arrays over slots are (35,), zero where no motor is."""

    def __init__(self, options: BodyOptions) -> None:
        """Build it, hanging from the gantry with the soles at the ground.

        Raises:
            RobotError: No such robot, or a number it cannot have.
            TerrainError: No such ground.
        """
        self.options = options
        self.mode_machine = options.mode_machine
        every = build_robot(AssetCfg(options.robot), ActuatorCfg()).joint_names
        lacking = list(VARIANTS.get(options.mode_machine, ()))
        asset = AssetCfg(
            options.robot, locked_joints=lacking, use_alt_files=True, foot_variants=[options.feet]
        )
        robot = build_robot(asset, ActuatorCfg())
        self.slot_names = every
        self.slots = np.array([every.index(name) for name in robot.joint_names])  # (J,)
        self.ground = SimGround(options.ground, options.friction)
        self.model = self._compile(robot)
        self.data = mujoco.MjData(self.model)
        joints = [self.model.joint(name) for name in robot.joint_names]
        self._qpos = np.array([int(joint.qposadr[0]) for joint in joints])
        self._qvel = np.array([int(joint.dofadr[0]) for joint in joints])
        self._torso = self.model.body(robot.torso_body).id
        self._accelerometer = self.model.sensor("accelerometer").adr[0]
        self.effort_limit = robot.effort_limit
        self.dof_lower, self.dof_upper = robot.dof_lower, robot.dof_upper
        self._default_pos, self._root_height = robot.default_dof_pos, robot.default_root_height
        self.strength = 1.0
        """Share of the torque limits that the motors can give."""
        self._rope_top: np.ndarray | None = None
        self.reset()

    def _compile(self, robot: Robot) -> mujoco.MjModel:
        options = self.options
        steps = round(0.002 / options.physics_dt)
        if not math.isclose(steps * options.physics_dt, 0.002, rel_tol=1e-6):
            raise RobotError(f"--physics-dt is {options.physics_dt}; it must be a whole part of 0.002 s")
        spec = robot.scene(ground=False, visuals=False, foot_variants=True)
        if robot.foot_variants[options.feet]:
            _remove_own_soles(spec, robot)
        self.ground.add_to(spec)
        spec.add_sensor(
            name="accelerometer",
            type=mujoco.mjtSensor.mjSENS_ACCELEROMETER,
            objtype=mujoco.mjtObj.mjOBJ_SITE,
            objname=_IMU_SITE,
        )
        model = spec.compile()
        model.opt.timestep = options.physics_dt
        torso = model.body(robot.torso_body).id
        scale = 1.0 + options.payload / model.body_mass[torso]
        model.body_mass[torso] *= scale
        model.body_inertia[torso] *= scale
        mujoco.mj_setConst(model, mujoco.MjData(model))
        self._substeps = steps
        return model

    # ------------------------------------------------------------------ time

    def reset(self) -> None:
        """Back to the start: the default pose, limp, hanging with the soles at the ground."""
        mujoco.mj_resetData(self.model, self.data)
        x, y, yaw = self.options.start
        height = float(self.ground.heights(np.array([x, y]))) + self._root_height
        self.data.qpos[:3] = x, y, height
        self.data.qpos[3:7] = math.cos(0.5 * yaw), 0.0, 0.0, math.sin(0.5 * yaw)
        self.data.qpos[self._qpos] = self._default_pos
        self.follow(LowCommand())
        mujoco.mj_forward(self.model, self.data)
        self.hang(0.0)

    def follow(self, command: LowCommand) -> None:
        """Let the motors do what a command says until the next one."""
        enabled = command.mode[self.slots] == 1
        kp, kd, q, dq, tau = (
            np.where(enabled, getattr(command, name)[self.slots], 0.0)
            for name in ("kp", "kd", "q", "dq", "tau")
        )
        # The engine's servos: what depends on joint position and velocity is theirs, so that the solver knows of it
        # and stiff damping stays stable at 2 ms.
        self.model.actuator_gainprm[:, 0] = 1.0
        self.model.actuator_biasprm[:, 1] = -kp
        self.model.actuator_biasprm[:, 2] = -kd
        self.data.ctrl[:] = kp * q + kd * dq + tau
        self.motor_mode = command.mode[self.slots]

    def damp(self, kd: float) -> None:
        """Let the motors resist every movement."""
        command = LowCommand()
        command.mode[:], command.kd[:] = 1, kd
        self.follow(command)

    def step(self) -> None:
        """2 ms of physics."""
        limit = self.strength * self.effort_limit
        self.model.actuator_forcerange[:, 0], self.model.actuator_forcerange[:, 1] = -limit, limit
        for _ in range(self._substeps):
            self._pull_rope()
            mujoco.mj_step(self.model, self.data)

    def push(self, velocity_b: tuple[float, float]) -> None:
        """Change the root's horizontal velocity at once, m/s forward and to the left."""
        yaw = yaw_of(self.quat_wxyz)
        x, y = velocity_b
        self.data.qvel[0] += math.cos(yaw) * x - math.sin(yaw) * y
        self.data.qvel[1] += math.sin(yaw) * x + math.cos(yaw) * y

    # ------------------------------------------------------------------ gantry

    @property
    def hanging(self) -> bool:
        """Whether the gantry's rope is on."""
        return self._rope_top is not None

    def hang(self, clearance: float) -> None:
        """Hang the robot up where it is, its soles in the default pose ``clearance`` m above the ground."""
        x, y, z = self._rope_holds_at()
        weight = -self.model.body_subtreemass[0] * self.model.opt.gravity[2]
        ground = float(self.ground.heights(self.data.qpos[:2]))
        attached = ground + clearance + self._root_height + z - self.data.qpos[2]
        self._rope_top = np.array([x, y, attached + _ROPE_TOP_M + weight / _ROPE_STIFFNESS])

    def lower(self, distance: float) -> None:
        """Let the rope down by so much, m."""
        if self._rope_top is not None:
            self._rope_top[2] -= distance

    def release(self) -> None:
        """Take the rope off."""
        self._rope_top = None
        self.data.xfrc_applied[self._torso] = 0.0

    def _rope_holds_at(self) -> np.ndarray:
        rotation = self.data.xmat[self._torso].reshape(3, 3)
        return self.data.xpos[self._torso] + rotation @ _ROPE_ATTACHED_AT

    def _pull_rope(self) -> None:
        """A rope pulls and does not push; its force acts between the shoulders."""
        if self._rope_top is None:
            return
        rotation = self.data.xmat[self._torso].reshape(3, 3)
        arm = rotation @ _ROPE_ATTACHED_AT
        rope = self._rope_top - (self.data.xpos[self._torso] + arm)
        length = float(np.linalg.norm(rope))
        twist = np.zeros(6)  # angular, linear, in the world
        mujoco.mj_objectVelocity(self.model, self.data, mujoco.mjtObj.mjOBJ_XBODY, self._torso, twist, 0)
        velocity = twist[3:] + np.cross(twist[:3], arm)
        direction = rope / length
        tension = _ROPE_STIFFNESS * (length - _ROPE_TOP_M) - _ROPE_DAMPING * float(velocity @ direction)
        wrench = self.data.xfrc_applied[self._torso]
        if length <= _ROPE_TOP_M or tension <= 0.0:
            wrench[:] = 0.0
            return
        force = tension * direction - 0.2 * _ROPE_DAMPING * (velocity - (velocity @ direction) * direction)
        wrench[:3] = force
        # xfrc_applied acts at the body's centre of mass.
        to_com = self.data.xipos[self._torso] - self.data.xpos[self._torso]
        wrench[3:] = np.cross(arm - to_com, force) - _ROPE_TWIST_DAMPING * twist[:3]

    # ------------------------------------------------------------------ what can be measured

    @property
    def quat_wxyz(self) -> tuple[float, ...]:
        """Orientation of the pelvis."""
        return tuple(self.data.qpos[3:7].tolist())

    @property
    def fallen(self) -> bool:
        """Whether the pelvis is low or tilted."""
        ground = float(self.ground.heights(self.data.qpos[:2]))
        return tilt_of(self.quat_wxyz) > FALLEN_TILT or float(self.data.qpos[2]) - ground < FALLEN_HEIGHT_M

    def measure(self, state: np.ndarray) -> None:
        """Write what sensors see into a record of ``messages.LOW_STATE``."""
        data, motor = self.data, state["motor"]
        quat = self.quat_wxyz
        state["quat_wxyz"], state["gyro_b"] = quat, data.qvel[3:6]
        state["accel_b"] = data.sensordata[self._accelerometer : self._accelerometer + 3]
        state["rpy"] = *roll_pitch_of(quat), yaw_of(quat)
        for name, values in (
            ("mode", self.motor_mode),
            ("q", data.qpos[self._qpos]),
            ("dq", data.qvel[self._qvel]),
            ("ddq", data.qacc[self._qvel]),
            ("tau_est", data.actuator_force),
        ):
            motor[name][self.slots] = values

    def torso_pose(self) -> tuple[np.ndarray, float]:
        """Position of the torso, (3,) m, and its heading, rad."""
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.xpos[self._torso].copy(), yaw_of(tuple(self.data.xquat[self._torso].tolist()))


def _remove_own_soles(spec: mujoco.MjSpec, robot: Robot) -> None:
    """Take away the shapes of the feet that the robot has without variants, which come first."""
    for foot in robot.foot_bodies:
        own = sum(1 for geom in robot.spec.body(foot).geoms if geom.conaffinity)
        touching = [geom for geom in spec.body(foot).geoms if geom.conaffinity]
        for geom in touching[:own]:
            spec.delete(geom)
