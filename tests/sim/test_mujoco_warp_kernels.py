"""Our own kernels are code that a GPU takes: Warp brings the compiler along, and it needs no GPU."""

from __future__ import annotations

import pytest

from tests.sim.warp_cases import needs_warp, prepare

pytestmark = needs_warp
H200 = 90
"""Compute capability 9.0."""
if not needs_warp.args[0]:
    prepare()


def test_every_kernel_compiles_for_an_h200(tmp_path):
    import warp as wp

    from legged_gym.sim import mujoco_warp_kernels

    if H200 not in wp.get_cuda_supported_archs():
        pytest.skip("this build of Warp cannot compile for GPUs")
    (compiled,) = wp.compile_aot_module(mujoco_warp_kernels, arch=H200, module_dir=tmp_path)
    written = [name for name, value in vars(mujoco_warp_kernels).items() if isinstance(value, wp.Kernel)]
    assert written
    code = compiled.read_bytes()
    missing = [name for name in written if f"{name}_".encode() not in code]
    assert not missing, compiled.name
