"""Pictures of a scene by MuJoCo's own renderer, off screen: on a GPU where there is one, else in software."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

import mujoco
import numpy as np

from legged_gym.evaluation.scene import COLLISION_GROUP, Camera, Scene
from legged_gym.utils.errors import DependencyError

PACKAGES = "libegl1 libgl1-mesa-dri"
"""Debian and Ubuntu packages that bring off-screen OpenGL."""
_LIBRARIES = {
    "egl": ("libEGL.so.1", "libEGL.so"),
    "osmesa": ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"),
}
_SWITCHED_OFF = ("disable", "disabled", "off", "false", "0")
_MAX_GEOMS = 2000


class GLRenderer:
    """Draws one scene."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        """Open an off-screen OpenGL context.

        Raises:
            DependencyError: There is no OpenGL here; names the packages that bring it.
        """
        self._scene = scene
        self._context = _open_context(width, height)
        self._rect = mujoco.MjrRect(0, 0, width, height)
        self._pixels = np.zeros((height, width, 3), np.uint8)
        self._geoms = mujoco.MjvScene(scene.model, maxgeom=_MAX_GEOMS)
        self._options = mujoco.MjvOption()
        self._options.geomgroup[COLLISION_GROUP] = 0
        try:
            self._gl = mujoco.MjrContext(scene.model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        except mujoco.FatalError as error:
            raise DependencyError(_no_gl(error)) from None
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._gl)

    def draw(self, camera: Camera) -> np.ndarray:
        """The scene in its present poses, (height, width, 3) uint8."""
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FREE
        view.lookat[:] = camera.target
        view.distance, view.azimuth, view.elevation = camera.distance, camera.azimuth, camera.elevation
        scene = self._scene
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(scene.model, scene.data, self._options, None, view, everything, self._geoms)
        mujoco.mjr_render(self._rect, self._geoms, self._gl)
        mujoco.mjr_readPixels(self._pixels, None, self._rect, self._gl)
        return self._pixels[::-1]

    def close(self) -> None:
        """Free the context."""
        self._gl.free()
        self._context.free()


def _open_context(width: int, height: int) -> Any:
    """An OpenGL context, made current. EGL before OSMesa; MUJOCO_GL may choose between them or refuse both.

    The libraries are looked for first, because PyOpenGL settles on one platform for the life of the process.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    if wanted in _SWITCHED_OFF:
        raise DependencyError(f"rendering is switched off (MUJOCO_GL={wanted})")
    try:
        if sys.platform != "linux":
            context = mujoco.GLContext(width, height)
        elif _backend(wanted) == "egl":
            from mujoco.egl import GLContext

            context = GLContext(width, height)
        else:
            from mujoco.osmesa import GLContext

            context = GLContext(width, height)
        context.make_current()
    except DependencyError:
        raise
    except Exception as error:  # PyOpenGL raises whatever its platform module happens to trip over
        raise DependencyError(_no_gl(error)) from None
    return context


def _backend(wanted: str) -> str:
    for name in [wanted] if wanted in _LIBRARIES else list(_LIBRARIES):
        if any(_can_load(library) for library in _LIBRARIES[name]):
            return name
    raise DependencyError(_no_gl("neither libEGL nor libOSMesa is installed"))


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _no_gl(reason: object) -> str:
    return f"no off-screen OpenGL ({reason}); install it with: apt-get install {PACKAGES}"
