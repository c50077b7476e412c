"""A robot's visible shapes as meshes, one for each body that moves, and where those bodies are in a pose."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
import trimesh

from legged_gym.sim.robot_model import VISUAL_GROUP, Robot

ROUND_SECTIONS = 20
"""Sides of what is round; more cannot be seen from where a robot is looked at."""
ICOSPHERE_SUBDIVISIONS = 2
_GEOM = mujoco.mjtGeom


@dataclass(frozen=True)
class BodyShape:
    """What is seen of a body and of the bodies welded to it, in its frame."""

    name: str
    parts: list[tuple[trimesh.Trimesh, tuple[float, ...]]]
    """Meshes, each of one colour, RGBA in 0 .. 1."""


class RobotShapes:
    """The moving bodies of a robot that can be seen, B of them."""

    def __init__(self, robot: Robot) -> None:
        """Compile the robot's model without ground and mesh its shapes."""
        self._model = model = robot.compile(ground=False)
        self._data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, self._data)
        self.bodies: list[BodyShape] = []
        ids = []
        for body in sorted(set(model.body_weldid.tolist()) - {0}):
            parts = self._parts(body)
            if parts:
                self.bodies.append(BodyShape(model.body(body).name, parts))
                ids.append(body)
        self._ids = np.array(ids)
        root = int(model.jnt_qposadr[model.body(robot.root_body).jntadr[0]])
        joints = [int(model.joint(name).qposadr[0]) for name in robot.joint_names]
        self._addresses = np.concatenate((np.arange(root, root + 7), joints)).astype(int)

    def poses(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the bodies are: (n, 7 + J) root xyz, quaternion wxyz, joints -> (n, B, 3) m, (n, B, 4) wxyz; world."""
        pos = np.empty((len(states), len(self._ids), 3))
        quat = np.empty((len(states), len(self._ids), 4))
        data = self._data
        for index, state in enumerate(states):
            data.qpos[self._addresses] = state
            mujoco.mj_kinematics(self._model, data)
            pos[index], quat[index] = data.xpos[self._ids], data.xquat[self._ids]
        return pos, quat

    def _parts(self, body: int) -> list[tuple[trimesh.Trimesh, tuple[float, ...]]]:
        """The visible shapes of a body, those of one colour in one mesh."""
        model, data = self._model, self._data
        to_body = np.linalg.inv(_transform(data.xpos[body], data.xmat[body]))
        by_color: dict[tuple[float, ...], list[trimesh.Trimesh]] = {}
        for geom in range(model.ngeom):
            if model.geom_group[geom] != VISUAL_GROUP or model.body_weldid[model.geom_bodyid[geom]] != body:
                continue
            mesh = _shape(model, geom)
            mesh.apply_transform(to_body @ _transform(data.geom_xpos[geom], data.geom_xmat[geom]))
            by_color.setdefault(_color(model, geom), []).append(mesh)
        return [(trimesh.util.concatenate(meshes), color) for color, meshes in by_color.items()]


def as_glb(body: BodyShape) -> bytes:
    """A body as a binary glTF file, with plain materials."""
    scene = trimesh.Scene()
    for mesh, color in body.parts:
        material = trimesh.visual.material.PBRMaterial(
            baseColorFactor=color, metallicFactor=0.1, roughnessFactor=0.6
        )
        painted = mesh.copy()
        painted.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(painted)
    return scene.export(file_type="glb")


def in_one(body: BodyShape) -> trimesh.Trimesh:
    """A body as one mesh without colours."""
    return trimesh.util.concatenate([mesh for mesh, _ in body.parts])


def _transform(pos: np.ndarray, mat: np.ndarray) -> np.ndarray:
    """Position (3,) and rotation (9,) as a (4, 4) matrix."""
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = np.asarray(mat).reshape(3, 3), pos
    return result


def _color(model: mujoco.MjModel, geom: int) -> tuple[float, ...]:
    material = int(model.geom_matid[geom])
    rgba = model.geom_rgba[geom] if material < 0 else model.mat_rgba[material]
    return tuple(round(float(channel), 3) for channel in rgba)


def _shape(model: mujoco.MjModel, geom: int) -> trimesh.Trimesh:
    """A geom in its own frame."""
    kind, size = _GEOM(int(model.geom_type[geom])), model.geom_size[geom]
    if kind == _GEOM.mjGEOM_MESH:
        return _mesh(model, int(model.geom_dataid[geom]))
    if kind == _GEOM.mjGEOM_BOX:
        return trimesh.creation.box(2.0 * size)
    if kind == _GEOM.mjGEOM_CYLINDER:
        return trimesh.creation.cylinder(size[0], 2.0 * size[1], sections=ROUND_SECTIONS)
    if kind == _GEOM.mjGEOM_CAPSULE:
        count = [ROUND_SECTIONS, ROUND_SECTIONS // 2]
        return trimesh.creation.capsule(height=2.0 * size[1], radius=size[0], count=count)
    assert kind in (_GEOM.mjGEOM_SPHERE, _GEOM.mjGEOM_ELLIPSOID), f"our robots have no geom of type {kind}"
    ball = trimesh.creation.icosphere(ICOSPHERE_SUBDIVISIONS, 1.0)
    ball.apply_scale(size if kind == _GEOM.mjGEOM_ELLIPSOID else size[0])
    return ball


def _mesh(model: mujoco.MjModel, mesh: int) -> trimesh.Trimesh:
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    start, faces = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    return trimesh.Trimesh(
        model.mesh_vert[first : first + count], model.mesh_face[start : start + faces], process=False
    )
