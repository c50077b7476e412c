"""Transport for computers where Unitree's Python SDK is installed with the cyclonedds 0.10 it was made for.

Topics are announced with the SDK's own types; bytes go in and out as in the default transport, which costs a fifth of
what the SDK's own encoding does.
"""

from __future__ import annotations

from legged_gym.deploy.bus import cyclonedds_version
from legged_gym.deploy.dds import DdsTransport, MessageTypes
from legged_gym.utils.errors import DependencyError


class UnitreeTransport(DdsTransport):
    """See :class:`transport.Transport`."""

    @staticmethod
    def message_types() -> MessageTypes:
        """The SDK's message types.

        Raises:
            DependencyError: The SDK is missing, or its cyclonedds is one that crashes robots.
        """
        version = cyclonedds_version()
        if version is None or not version.startswith("0.10."):
            raise DependencyError(
                f"--transport unitree needs cyclonedds 0.10; {version or 'none'} is installed. With 11 and later, the "
                "SDK's types crash every program of Unitree's that publishes what they subscribe to, the robot's own "
                "among them; use --transport cyclonedds"
            )
        try:
            from unitree_sdk2py.idl.unitree_api.msg.dds_ import Request_, Response_
            from unitree_sdk2py.idl.unitree_hg.msg.dds_ import BmsState_, LowCmd_, LowState_
        except ImportError as error:
            raise DependencyError(
                f"--transport unitree needs unitree_sdk2py ({error}): pip install unitree-sdk2py-dimos==1.0.3"
            ) from None
        return MessageTypes(LowState_, LowCmd_, BmsState_, Request_, Response_)
