"""The stage of a video: a robot, and its reference if it has one, in one MuJoCo model that is never stepped."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from legged_gym.sim.robot_model import Robot

ROBOT, GHOST = "robot/", "ghost/"
GHOST_RGBA = (0.16, 0.47, 0.96, 0.14)
"""Its parts overlap, so what shows is about three layers of this."""
COLLISION_GROUP = 3
"""Geom group of the robot's collision shapes, which are not shown."""
FIELD_OF_VIEW = 45.0
"""Vertical, deg."""
TERRAIN_RGBA = (0.55, 0.50, 0.44, 1.0)
FLOOR_GAP = 0.01
"""The floor lies so far below a terrain, m: two surfaces in one place flicker."""
FLOOR_COLORS = (0.23, 0.29, 0.36), (0.18, 0.23, 0.30)
SKY_COLORS = (0.93, 0.96, 1.0), (0.45, 0.60, 0.78)


@dataclass(frozen=True)
class Camera:
    """Looks from outside at a point."""

    target: np.ndarray
    """(3,) point in the middle of the picture, world frame, m."""
    distance: float
    """m."""
    azimuth: float
    """Direction of view in the horizontal plane, deg from world x towards y."""
    elevation: float
    """Direction of view over the horizontal, deg; negative looks down."""


class Scene:
    """A floor under a robot, and under its reference as a translucent ghost."""

    def __init__(
        self,
        robot: Robot,
        width: int,
        height: int,
        ground: tuple[np.ndarray, np.ndarray] | None = None,
        ghost: bool = True,
    ) -> None:
        """Compile the stage.

        Args:
            robot: The robot.
            width: Of the largest picture that will be rendered, pixels.
            height: Likewise.
            ground: Vertices (V, 3) and triangles (F, 3) of a terrain to show; None is a floor at height 0.
            ghost: Whether there is a reference to show.
        """
        spec = mujoco.MjSpec()
        spec.visual.global_.offwidth, spec.visual.global_.offheight = width, height
        # Software rendering must stay below a fifth of a second per frame, so nothing here is lavish.
        spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 2048, 4
        spec.visual.quality.numslices, spec.visual.quality.numstacks = 20, 10
        spec.visual.map.zfar, spec.visual.map.shadowclip, spec.visual.map.shadowscale = 40.0, 1.5, 0.6
        spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.32] * 3, [0.34] * 3
        spec.visual.headlight.specular = [0.1] * 3
        spec.visual.global_.fovy, spec.stat.extent = FIELD_OF_VIEW, 2.0
        _add_surroundings(spec, 0.0 if ground is None else float(ground[0][:, 2].min()) - FLOOR_GAP)
        if ground is not None:
            _add_terrain(spec, *ground)
        # MuJoCo warns of physics options that differ, though nothing is simulated here.
        spec.option.integrator, spec.option.jacobian = (
            robot.spec.option.integrator,
            robot.spec.option.jacobian,
        )
        spec.attach(robot.spec.copy(), prefix=ROBOT, frame=spec.worldbody.add_frame())
        if ghost:
            spec.attach(_ghost_of(robot.spec), prefix=GHOST, frame=spec.worldbody.add_frame())
        _add_sun(spec, spec.body(ROBOT + robot.root_body))
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        shown = (ROBOT, GHOST) if ghost else (ROBOT,)
        self._addresses = {prefix: self._pose_addresses(robot, prefix) for prefix in shown}

    def set_poses(self, robot: np.ndarray, reference: np.ndarray | None = None) -> None:
        """Put robot and ghost in place: root xyz, root quaternion wxyz and joints, (7 + J,) each."""
        self.data.qpos[self._addresses[ROBOT]] = robot
        if reference is not None:
            self.data.qpos[self._addresses[GHOST]] = reference
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)

    def _pose_addresses(self, robot: Robot, prefix: str) -> np.ndarray:
        """Where a copy's pose lies in qpos, (7 + J,)."""
        root = self.model.jnt_qposadr[self.model.body(prefix + robot.root_body).jntadr[0]]
        joints = [self.model.joint(prefix + name).qposadr[0] for name in robot.joint_names]
        return np.concatenate((np.arange(root, root + 7), joints)).astype(int)


def _ghost_of(robot: mujoco.MjSpec) -> mujoco.MjSpec:
    """A copy of a robot in one translucent colour."""
    ghost = robot.copy()
    for geom in ghost.geoms:
        geom.material = ""
        geom.rgba = GHOST_RGBA
    return ghost


def _add_terrain(spec: mujoco.MjSpec, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Show a mesh as it is; nothing collides here, so its hull does not matter."""
    spec.add_mesh(
        name="terrain",
        uservert=np.asarray(vertices, np.float32).ravel(),
        userface=np.asarray(faces, np.int32).ravel(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH, meshname="terrain", rgba=TERRAIN_RGBA, contype=0, conaffinity=0
    )


def _add_surroundings(spec: mujoco.MjSpec, floor_height: float) -> None:
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=SKY_COLORS[0], rgb2=SKY_COLORS[1], width=256, height=256 * 6,
    )  # fmt: skip
    spec.add_texture(
        name="checker",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        mark=mujoco.mjtMark.mjMARK_EDGE, markrgb=(0.36, 0.43, 0.50),
        rgb1=FLOOR_COLORS[0], rgb2=FLOOR_COLORS[1], width=512, height=512,
    )  # fmt: skip
    floor = spec.add_material(name="floor", texuniform=True, texrepeat=[1.0, 1.0])
    floor.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "checker"
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 0.05], pos=[0, 0, floor_height], material="floor"
    )


def _add_sun(spec: mujoco.MjSpec, root: mujoco.MjsBody) -> None:
    """A light that moves along with the robot, so that its shadow stays sharp wherever it goes."""
    root.add_light(
        name="sun", mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACK,
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[1.0, -1.5, 4.0], dir=[-0.25, 0.4, -1.0], castshadow=True,
        diffuse=[0.62] * 3, specular=[0.25] * 3, ambient=[0.0] * 3,
    )  # fmt: skip
