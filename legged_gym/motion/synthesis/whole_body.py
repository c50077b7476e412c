"""Joint angles from targets for feet, centre of mass, pelvis and upper body, by inverse kinematics with `mink`.

Two feet (12), the centre of mass (3), the pelvis orientation (3) and the waist and arm joints (17) determine the
G1's 35 degrees of freedom: the solution is unique, so it does not depend on the path the solver takes.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import mujoco
import numpy as np

from legged_gym.motion.kinematics import ModelIndex, body_ids
from legged_gym.motion.synthesis.feet import FootPaths, Sole
from legged_gym.motion.synthesis.posture import Posture
from legged_gym.utils.errors import DependencyError, MotionError

_TOLERANCE = 1e-11
_MAX_ITERATIONS = 50
_SOLVER = "daqp"


class WholeBody:
    """Poses of one robot that reach given targets.

    Args:
        model: the robot; all its joints but those of the legs must have a target.
        feet: bodies of the left and the right foot.

    Raises:
        DependencyError: `mink` is not installed.
        MotionError: the model lacks a body.
    """

    def __init__(self, model: mujoco.MjModel, feet: tuple[str, str]) -> None:
        self._mink = _import_mink()
        self._model = model
        self._index = ModelIndex(model, ())
        body_ids(model, feet)
        root = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, self._index.root_body)
        mink = self._mink
        self._feet = [mink.FrameTask(foot, "body", position_cost=1.0, orientation_cost=1.0) for foot in feet]
        self._pelvis = mink.FrameTask(root, "body", position_cost=0.0, orientation_cost=1.0)
        self._com = mink.ComTask(cost=1.0)

    def standing(
        self, knee_bend: float, soles: tuple[Sole, Sole], posture: Posture
    ) -> tuple[np.ndarray, float]:
        """A first guess, standing at the origin with bent knees: positions (nq,) and centre-of-mass height, m."""
        joints = {name: target[0] for name, target in posture.joints.items()}
        for side in ("left", "right"):
            joints |= {
                f"{side}_hip_pitch_joint": -0.5 * knee_bend,
                f"{side}_knee_joint": knee_bend,
                f"{side}_ankle_pitch_joint": -0.5 * knee_bend,
            }
        qpos = self._model.qpos0.copy()
        qpos[ModelIndex(self._model, tuple(joints)).joint_qpos] = list(joints.values())
        configuration = self._mink.Configuration(self._model, q=qpos)
        ankle = configuration.get_transform_frame_to_world(self._feet[0].frame_name, "body").translation()
        drop = ankle[2] - soles[0].height
        qpos[self._index.root_qpos + 2] -= drop
        return qpos, float(configuration.data.subtree_com[self._index.root_body, 2] - drop)

    def rise(self, posture: Posture) -> np.ndarray:
        """How far the upper body's posture lifts the centre of mass against the hips, (T,) m; 0 at the first frame.

        A robot that raises its arms has a higher centre of mass, and need not bend its knees for it.
        """
        model, index = self._model, ModelIndex(self._model, tuple(posture.joints))
        data, root = mujoco.MjData(model), self._index.root_qpos
        data.qpos[:] = model.qpos0
        joints = np.stack(list(posture.joints.values()), axis=1)  # (T, K)
        upper = self._upper_body()
        height = np.empty(len(joints))
        for frame, (quat, angles) in enumerate(zip(posture.pelvis_quat_wxyz, joints, strict=True)):
            data.qpos[root + 3 : root + 7], data.qpos[index.joint_qpos] = quat, angles
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            height[frame] = data.subtree_com[upper, 2]
        share = model.body_subtreemass[upper] / model.body_subtreemass[self._index.root_body]
        return share * (height - height[0])

    def _upper_body(self) -> int:
        """The link on the pelvis that leads to no foot."""
        model, root = self._model, self._index.root_body
        legs = set()
        for task in self._feet:
            body = model.body(task.frame_name).id
            while model.body_parentid[body] != root:
                body = model.body_parentid[body]
            legs.add(int(body))
        links = [
            body for body in range(model.nbody) if model.body_parentid[body] == root and body not in legs
        ]
        return max(links, key=lambda body: model.body_subtreemass[body])

    def solve(self, feet: FootPaths, com: np.ndarray, posture: Posture, guess: np.ndarray) -> np.ndarray:
        """Positions (T, nq) that meet every target; each frame starts from the one before.

        Args:
            feet: paths of both feet, met exactly.
            com: (T, 3) centre of mass, m.
            posture: pelvis orientation, waist and arms.
            guess: (nq,) where the first frame starts from.

        Raises:
            MotionError: a frame whose targets cannot all be met: a leg too short, a joint at its limit.
        """
        mink = self._mink
        index = ModelIndex(self._model, tuple(posture.joints))
        cost = np.zeros(self._model.nv)
        cost[index.joint_dof] = 1.0
        upper_body = mink.PostureTask(self._model, cost=cost)
        limits = [mink.ConfigurationLimit(self._model)]
        joints = np.stack(list(posture.joints.values()), axis=1)  # (T, K)
        target = guess.copy()
        configuration = mink.Configuration(self._model, q=guess)
        result = np.empty((len(com), self._model.nq))
        for frame in range(len(com)):
            for foot, task in enumerate(self._feet):
                task.set_target(_pose(mink, feet.quat_wxyz[frame, foot], feet.pos_w[frame, foot]))
            self._pelvis.set_target(_pose(mink, posture.pelvis_quat_wxyz[frame], np.zeros(3)))
            self._com.set_target(com[frame])
            target[index.joint_qpos] = joints[frame]
            upper_body.set_target(target)
            self._iterate(configuration, upper_body, limits, frame)
            result[frame] = configuration.q
        return result

    def _iterate(self, configuration: Any, upper_body: Any, limits: list[Any], frame: int) -> None:
        tasks = [self._com, self._pelvis, upper_body]
        for _ in range(_MAX_ITERATIONS):
            worst, error = max(self._errors(configuration, upper_body).items(), key=lambda item: item[1])
            if error < _TOLERANCE:
                return
            try:
                step = self._mink.solve_ik(
                    configuration, tasks, dt=1.0, solver=_SOLVER, limits=limits, constraints=self._feet
                )
            except self._mink.NoSolutionFound:
                break
            configuration.integrate_inplace(step, 1.0)
        raise MotionError(
            f"frame {frame}: no pose meets all targets; {worst} stays off by {error:.2g} (m or rad)"
        )

    def _errors(self, configuration: Any, upper_body: Any) -> dict[str, float]:
        """Largest absolute error of each target that counts, m or rad."""
        tasks = {task.frame_name: task for task in self._feet}
        tasks |= {"the pelvis": self._pelvis, "the centre of mass": self._com, "the upper body": upper_body}
        return {
            name: float(np.max(np.abs(task.compute_error(configuration)[task.cost > 0.0])))
            for name, task in tasks.items()
        }


def _pose(mink: ModuleType, quat_wxyz: np.ndarray, pos: np.ndarray) -> Any:
    return mink.SE3(np.concatenate((quat_wxyz, pos)))


def _import_mink() -> ModuleType:
    try:
        import mink
    except ImportError:
        raise DependencyError(
            "synthesis needs the package mink: pip install 'videomimic-gym[synthesis]'"
        ) from None
    return mink
