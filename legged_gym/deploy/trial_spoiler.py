"""The controller's program with a policy that goes mad when told to: ``python -m ...trial_spoiler KIND OPTIONS``.

SIGUSR1 drives it mad, and sane again. For trials; everything but the policy's answers is the real program.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import numpy as np

from legged_gym.deploy import run
from legged_gym.deploy.bundle import Bundle
from legged_gym.deploy.policy import Policy, Runtime, load_policy

Spoil = Callable[[np.ndarray, float], np.ndarray]
"""An answer (1, J) and the limit of actions -> what is answered instead."""

HANG_S = 0.5


def _hang(action: np.ndarray, limit: float) -> np.ndarray:
    time.sleep(HANG_S)
    return action


SPOILS: dict[str, Spoil] = {
    "nan": lambda action, limit: np.full_like(action, np.nan),
    "shape": lambda action, limit: action[:, 1:],
    "huge": lambda action, limit: np.full_like(action, 2.0 * limit),
    "far": lambda action, limit: np.full_like(action, limit),
    "hang": _hang,
}


def main() -> None:
    """Take the kind off the command line and run the controller."""
    spoil = SPOILS[sys.argv.pop(1)]
    mad = False

    def turn(*_: object) -> None:
        nonlocal mad
        mad = not mad

    def load(bundle: Bundle, runtime: Runtime) -> Policy:
        policy, limit = load_policy(bundle, runtime), bundle.spec.action.clip
        return lambda observations: spoil(policy(observations), limit) if mad else policy(observations)

    signal.signal(signal.SIGUSR1, turn)
    run.load_policy = load
    run.main()


if __name__ == "__main__":
    main()
