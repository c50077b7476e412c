"""Photographic meshes for pictures, from the ``mujoco-menagerie`` package where it and its cache are at hand.

Our robots are made of primitive shapes and need nothing else. Who has the package and has fetched a robot's files
(``mujoco-menagerie prefetch unitree_g1``) may see those instead; nothing is ever downloaded from here.
"""

from __future__ import annotations

from pathlib import Path

import mujoco

from legged_gym.sim.robot_model import VISUAL_GROUP
from legged_gym.utils.errors import DependencyError, RobotError

MENAGERIE_NAMES = {"g1": ("unitree_g1", "g1")}
"""Our robot -> directory and model of the Menagerie."""


def dress(spec: mujoco.MjSpec, robot: str) -> mujoco.MjSpec:
    """A copy of a robot that wears the Menagerie's visual meshes instead of our primitive shapes.

    Links are matched by name; links without a mesh there keep our shapes. Physics is untouched.

    Args:
        spec: Our model of the robot.
        robot: Its name under resources/robots.

    Raises:
        DependencyError: The package is not installed, or its files have not been fetched.
        RobotError: The Menagerie has no such robot.
    """
    directory, model = _locate(robot)
    theirs = mujoco.MjSpec.from_file(str(directory / f"{model}.xml"))
    ours = spec.copy()
    meshes = {mesh.name or Path(mesh.file).stem: mesh for mesh in theirs.meshes}
    materials = {material.name: list(material.rgba) for material in theirs.materials}
    bare: set[str] = set()
    added: set[str] = set()
    for geom in theirs.geoms:
        body = ours.body(geom.parent.name)
        is_visual = geom.type == mujoco.mjtGeom.mjGEOM_MESH and not (geom.contype or geom.conaffinity)
        if body is None or not is_visual:
            continue
        if body.name not in bare:
            _undress(ours, body)
            bare.add(body.name)
        name, mesh = f"menagerie/{geom.meshname}", meshes[geom.meshname]
        if name not in added:
            file = directory / theirs.meshdir / mesh.file
            ours.add_mesh(name=name, file=str(file), scale=mesh.scale)
            added.add(name)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, pos=geom.pos, quat=geom.quat, group=VISUAL_GROUP,
            contype=0, conaffinity=0, density=0.0, rgba=materials.get(geom.material, list(geom.rgba)),
        )  # fmt: skip
    return ours


def _undress(spec: mujoco.MjSpec, body: mujoco.MjsBody) -> None:
    for geom in [geom for geom in body.geoms if geom.group == VISUAL_GROUP]:
        spec.delete(geom)


def _locate(robot: str) -> tuple[Path, str]:
    """Directory of a robot's files in the Menagerie's cache or checkout, and the name of its model."""
    if robot not in MENAGERIE_NAMES:
        raise RobotError(f"no meshes are known for robot {robot!r}; known: {', '.join(MENAGERIE_NAMES)}")
    name, model = MENAGERIE_NAMES[robot]
    try:
        import mujoco_menagerie
    except ImportError:
        raise DependencyError(
            "meshes need the package mujoco-menagerie: pip install 'videomimic-gym[meshes]'"
        ) from None
    cache, theirs = mujoco_menagerie.Cache(), mujoco_menagerie.get(name)
    if cache.root is None and not cache.is_cached(theirs):
        raise DependencyError(
            f"the meshes of {name} are not on this machine: mujoco-menagerie prefetch {name}"
        )
    return Path(theirs.path(cache, progress=None)), model
