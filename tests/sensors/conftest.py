"""The worlds, each compiled once."""

from __future__ import annotations

import pytest

from tests.sensors.worlds import World, boxes_world, hills_world


@pytest.fixture(scope="session", params=[boxes_world, hills_world], ids=["boxes", "hills"])
def world(request: pytest.FixtureRequest) -> World:
    """Each of the small worlds."""
    return request.param()
