"""A scan of five million triangles works, within 2 GB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import hills, sheet

REPO = Path(__file__).resolve().parents[2]
CODE = """
import re, sys
from pathlib import Path
import numpy as np
from legged_gym.terrain.geometry import make_geometry
from legged_gym.terrain.mesh_file import load_mesh
from legged_gym.terrain.mesh_ground import mesh_ground
tile = make_geometry(load_mesh(sys.argv[1]))
height = mesh_ground(sys.argv[1])(np.array([5.0, 4.0]))  # what checks of clips ask
# Not ru_maxrss, which begins with the size of the process that started this one.
peak_kb = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(tile.kind, tile.mean_error_m, height, peak_kb)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("suffix", ["stl", "ply"])
def test_five_million_triangles(tmp_path, suffix):
    path = tmp_path / f"scan.{suffix}"
    mesh = sheet(10.0, 10.0, step=10.0 / 1581)
    assert len(mesh.faces) == pytest.approx(5e6, rel=0.001)
    mesh.vertices[:, 2] += 0.002 * np.random.default_rng(0).standard_normal(len(mesh.vertices))
    mesh.export(path)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(path)], cwd=REPO, capture_output=True, text=True, check=True
    )
    kind, error, height, peak_kb = done.stdout.split()
    assert kind == "heightfield" and float(error) < 0.003
    assert float(height) == pytest.approx(hills(5.0, 4.0), abs=0.01)
    assert int(peak_kb) < 2e6
