"""What a simulated robot is, where it is, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ACTIONS = """actions:
  press BUTTON[+BUTTON] [for=SECONDS]   hold keys of the remote, 0.2 s unless said otherwise
  stick [lx=X] [ly=X] [rx=X] [ry=X]     move the sticks, -1 to 1; those not named stay
  hang [CLEARANCE], lower METRES        rope of the gantry: on, and down
  release                               rope off
  fault NAME [size=X] [for=SECONDS] [slot=N] [field=NAME], clear
  reset                                 back to the start, hanging, limp
  report                                nothing; answers with the state of everything
"""


@dataclass(frozen=True)
class BodyOptions:
    """What the simulated robot is made of."""

    robot: str = "g1"
    """Folder under resources/robots."""
    mode_machine: int = 5
    """Model of the robot: 5 has 29 joints, 4 has 23, 6 a locked waist; others report their number and are as 5."""
    feet: str = "own"
    """Shapes of the soles, as training varies them: own, rails or sole."""
    ground: str = "flat"
    """flat, KIND:DIFFICULTY:SEED as training makes it (stairs:0.5:0), or a mesh file."""
    friction: float | None = None
    """Friction of the ground; None: the robot's own decides, as in training."""
    payload: float = 0.0
    """Mass added to the torso, kg."""
    physics_dt: float = 0.002
    """Time step of physics and motors, s; a whole part of 2 ms."""
    start: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the robot starts: x and y, m, and heading, rad."""


@dataclass(frozen=True)
class SimRobotOptions:
    """Where the simulated robot is and what happens to it."""

    body: BodyOptions
    interface: str = "lo"
    """Network interface."""
    domain: int = 1
    """DDS domain; not 0."""
    motion_mode: str = "ai"
    """Built-in controller that is on and has to be released; "": none."""
    surroundings: list[str] = field(default_factory=list)
    """Addresses that get ground-truth odometry and height map, udp:HOST:PORT, unix:PATH or dds:TOPIC."""
    control: Path | None = None
    """Unix socket to take actions from."""
    schedule: list[str] = field(default_factory=list)
    """``SECONDS ACTION`` each."""
    keyboard: bool = False
    """Take actions from the keys of this terminal."""
    seed: int = 0
    """Of random faults."""
    realtime: bool = False
    """Let the process run before all ordinary programs, where the system allows it."""
