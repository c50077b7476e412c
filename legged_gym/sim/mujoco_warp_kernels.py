# Warp reads annotations as objects, so this file has no `from __future__ import annotations`; kernels return nothing,
# and their loops are Warp's own.
# ruff: noqa: ANN201, SIM110
"""What the GPU engine does beside MuJoCo Warp's own kernels. N worlds, one for each env; w is a world's number."""

import warp as wp

MOST = wp.constant(1.0e10)
"""Positions, velocities and accelerations beyond are a divergence; MuJoCo's own bound (mjMAXVAL)."""

OVERFLOWS, LOST, ROWS, CONTACTS = 0, 1, 2, 3
"""Places in ``status``: kinds of overflow seen, envs lost, most constraint rows of an env, most contacts of all."""


@wp.func
def is_lost(values: wp.array2d[float], w: int):
    for i in range(values.shape[1]):
        if not (wp.abs(values[w, i]) <= MOST):  # a NaN is not
            return True
    return False


@wp.kernel(enable_backward=False)
def note_losses(
    qpos0: wp.array2d[float],
    room_overflows: int,
    qacc: wp.array2d[float],
    nefc: wp.array[int],
    nacon: wp.array[int],
    ncollision: wp.array[int],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    warmstart: wp.array2d[float],
    ctrl: wp.array2d[float],
    applied: wp.array2d[float],
    time: wp.array[float],
    overflow: wp.array[int],
    lost: wp.array[bool],
    status: wp.array[int],
):
    """After a substep: worlds that diverged begin anew in the model's pose, as in MuJoCo; (N,) threads."""
    w = wp.tid()
    # A NaN among the targets would be clamped to a torque, and nobody would know.
    diverged = is_lost(qpos, w) or is_lost(qvel, w) or is_lost(qacc, w) or is_lost(ctrl, w)
    if diverged:
        for i in range(qpos.shape[1]):
            qpos[w, i] = qpos0[0, i]
        for i in range(qvel.shape[1]):
            qvel[w, i] = 0.0
            warmstart[w, i] = 0.0
            applied[w, i] = 0.0
        for i in range(ctrl.shape[1]):
            ctrl[w, i] = 0.0
        time[w] = 0.0
    if diverged or (overflow[w] & room_overflows) != 0:
        if not lost[w]:
            wp.atomic_add(status, LOST, 1)
        lost[w] = True
    if overflow[w] != 0:
        wp.atomic_or(status, OVERFLOWS, overflow[w])
        overflow[w] = 0
    wp.atomic_max(status, ROWS, nefc[w])
    if w == 0:
        wp.atomic_max(status, CONTACTS, wp.max(nacon[0], ncollision[0]))


@wp.kernel(enable_backward=False)
def read_torques(
    shown: wp.array[bool],
    lost: wp.array[bool],
    actuator_force: wp.array2d[float],
    torque: wp.array2d[float],
):
    """Motor torques of the shown worlds, 0 of lost ones; (N, J) threads."""
    w, j = wp.tid()
    if shown[w]:
        torque[w, j] = wp.where(lost[w], 0.0, actuator_force[w, j])


@wp.kernel(enable_backward=False)
def clear_contacts(shown: wp.array[bool], force: wp.array2d[wp.vec3]):
    """No contact force in the shown worlds; (N, C) threads."""
    w, c = wp.tid()
    if shown[w]:
        force[w, c] = wp.vec3(0.0, 0.0, 0.0)


@wp.kernel(enable_backward=False)
def add_contacts(
    shown: wp.array[bool],
    lost: wp.array[bool],
    nacon: wp.array[int],
    world: wp.array[int],
    geom: wp.array[wp.vec2i],
    geom_bodyid: wp.array[int],
    place: wp.array[int],
    contact_force: wp.array[wp.spatial_vector],
    force: wp.array2d[wp.vec3],
):
    """Add each contact's force to the bodies it acts on, in the shown worlds; one thread for each contact.

    MuJoCo's contact force acts on the second geom and, turned round, on the first. ``place`` is the body's place
    among the contact bodies, -1 for bodies that are not.
    """
    i = wp.tid()
    if i >= nacon[0]:
        return
    w = world[i]
    if lost[w] or not shown[w]:
        return
    pushed = wp.spatial_top(contact_force[i])
    first = place[geom_bodyid[geom[i][0]]]
    second = place[geom_bodyid[geom[i][1]]]
    if first >= 0:
        wp.atomic_add(force, w, first, -pushed)
    if second >= 0:
        wp.atomic_add(force, w, second, pushed)


@wp.kernel(enable_backward=False)
def read_bodies(
    shown: wp.array[bool],
    bodies: wp.array[int],
    root: int,
    xpos: wp.array2d[wp.vec3],
    xquat: wp.array2d[wp.quat],
    cvel: wp.array2d[wp.spatial_vector],
    subtree_com: wp.array2d[wp.vec3],
    pos: wp.array2d[wp.vec3],
    quat: wp.array2d[wp.quat],
    lin_vel: wp.array2d[wp.vec3],
    ang_vel: wp.array2d[wp.vec3],
):
    """Poses and velocities of the watched bodies of the shown worlds; (N, B) threads."""
    w, b = wp.tid()
    if not shown[w]:
        return
    body = bodies[b]
    turning = wp.spatial_top(cvel[w, body])
    pos[w, b] = xpos[w, body]
    quat[w, b] = xquat[w, body]
    ang_vel[w, b] = turning
    # cvel is the velocity of a point fixed to the body that is now at the robot's centre of mass.
    arm = xpos[w, body] - subtree_com[w, root]
    lin_vel[w, b] = wp.spatial_bottom(cvel[w, body]) + wp.cross(turning, arm)
