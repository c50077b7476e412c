"""The robot's service that switches its built-in controllers on and off: asking it, and playing it for a simulation."""

from __future__ import annotations

import json
import logging
import struct
import time
from typing import TYPE_CHECKING, NamedTuple

from legged_gym.deploy.bus import Bus, Endpoints, RawReader, RawWriter
from legged_gym.deploy.messages import CDR_HEADER
from legged_gym.utils.errors import TransportError

if TYPE_CHECKING:
    from cyclonedds.idl import IdlStruct

log = logging.getLogger(__name__)

CHECK_MODE, SELECT_MODE, RELEASE_MODE = 1001, 1002, 1003
NOT_IMPLEMENTED = 3203
REQUEST_TOPIC, RESPONSE_TOPIC = "rt/api/motion_switcher/request", "rt/api/motion_switcher/response"
_BUSY = 7002
_REQUEST = struct.Struct("<qqqi?3x")
"""Number of the call, function, lease, priority, no reply wanted."""
_RESPONSE = struct.Struct("<qqi")
"""Number of the call, function, code."""
_POLL_S = 0.005
_REPEAT_S = 0.5
"""A call without answer is made again: the two ends of a bus do not discover each other at the same moment."""
_RETRY_S = 0.3
"""Between two looks at whether the controller is off; Unitree's examples wait whole seconds."""


class Message(NamedTuple):
    """A call or an answer."""

    call: int
    """Number that an answer repeats."""
    function: int
    code: int
    """Of an answer; 0: done."""
    text: str
    """JSON."""


class MotionSwitcherClient:
    """Calls the service."""

    def __init__(
        self, bus: Bus, endpoints: Endpoints, request: type[IdlStruct], response: type[IdlStruct]
    ) -> None:
        """Join its topics, which have these types."""
        self._endpoints = endpoints
        self._responses = RawReader(bus, RESPONSE_TOPIC, response)
        self._requests = RawWriter(bus, REQUEST_TOPIC, request)

    def mode(self, timeout_s: float) -> str:
        """See :meth:`Transport.motion_mode`."""
        data = self._call(CHECK_MODE, {}, time.monotonic() + timeout_s)
        try:
            return str(json.loads(data)["name"])
        except (ValueError, KeyError, TypeError):
            raise TransportError(f"the motion switcher answered {data!r} instead of a mode") from None

    def select(self, name: str, timeout_s: float) -> None:
        """See :meth:`Transport.select_motion_mode`."""
        self._call(SELECT_MODE, {"name": name}, time.monotonic() + timeout_s)

    def release(self, timeout_s: float) -> None:
        """See :meth:`Transport.release_motion_mode`."""
        deadline = time.monotonic() + timeout_s
        # At the end there is still time for an answer: "still on" says more than "no answer".
        while mode := self.mode(max(deadline - time.monotonic(), _REPEAT_S)):
            if time.monotonic() + _RETRY_S > deadline:
                raise TransportError(f"the robot's controller {mode!r} is still on after {timeout_s:g} s")
            self._call(RELEASE_MODE, {}, deadline)
            time.sleep(_RETRY_S)

    def _call(self, function: int, parameter: dict[str, str], deadline: float) -> str:
        """The text of the answer.

        Raises:
            TransportError: Nobody answers by the deadline (``time.monotonic()``), or the answer is an error.
        """
        served = False
        while time.monotonic() < deadline:
            served = served or self._is_served()
            if not served:
                time.sleep(_POLL_S)
                continue
            call = time.monotonic_ns()
            self._requests.write(encode_request(Message(call, function, 0, json.dumps(parameter))))
            answer = self._answer(call, min(deadline, time.monotonic() + _REPEAT_S))
            if answer is not None and answer.code == _BUSY:
                time.sleep(_POLL_S)
            elif answer is not None and answer.code:
                raise TransportError(f"motion_switcher refused call {function} with code {answer.code}")
            elif answer is not None:
                return answer.text
        if not served:
            raise TransportError("nobody on the bus serves motion_switcher; is this a robot's network?")
        raise TransportError(f"motion_switcher did not answer call {function} in time")

    def _is_served(self) -> bool:
        count = self._endpoints.count
        return bool(count("readers", REQUEST_TOPIC) and count("writers", RESPONSE_TOPIC))

    def _answer(self, call: int, deadline: float) -> Message | None:
        while time.monotonic() < deadline:
            for cdr in self._responses.take():
                response = decode_response(cdr)
                if response is not None and response.call == call:
                    return response
            time.sleep(_POLL_S)
        return None


class MotionSwitcherService:
    """Answers as a robot does, for a simulated one. ``poll`` never blocks."""

    def __init__(self, bus: Bus, mode: str, request: type[IdlStruct], response: type[IdlStruct]) -> None:
        """Serve on topics of these types, with the built-in controller ``mode`` on."""
        self.mode = mode
        self._requests = RawReader(bus, REQUEST_TOPIC, request)
        self._responses = RawWriter(bus, RESPONSE_TOPIC, response)

    def poll(self) -> None:
        """Answer what has arrived."""
        for cdr in self._requests.take():
            request = decode_request(cdr)
            if request is not None:
                code, text = self._serve(request)
                self._responses.write(encode_response(Message(request.call, request.function, code, text)))

    def _serve(self, request: Message) -> tuple[int, str]:
        """Code and text of the answer."""
        if request.function == CHECK_MODE:
            return 0, json.dumps({"form": "0", "name": self.mode})
        if request.function == SELECT_MODE:
            self.mode = str(json.loads(request.text)["name"])
        elif request.function == RELEASE_MODE:
            self.mode = ""
        else:
            return NOT_IMPLEMENTED, ""
        log.info("motion switcher: the built-in controller is now %r", self.mode)
        return 0, ""


def encode_request(message: Message) -> bytes:
    """A call on the wire."""
    return CDR_HEADER + _REQUEST.pack(message.call, message.function, 0, 0, False) + _tail(message.text)


def encode_response(message: Message) -> bytes:
    """An answer on the wire."""
    return CDR_HEADER + _RESPONSE.pack(message.call, message.function, message.code) + _tail(message.text)


def decode_request(cdr: bytes) -> Message | None:
    """A call from the wire; None: these bytes are none."""
    text = _text(cdr, len(CDR_HEADER) + _REQUEST.size)
    if text is None:
        return None
    call, function, *_ = _REQUEST.unpack_from(cdr, len(CDR_HEADER))
    return Message(call, function, 0, text)


def decode_response(cdr: bytes) -> Message | None:
    """An answer from the wire; None: these bytes are none."""
    text = _text(cdr, len(CDR_HEADER) + _RESPONSE.size)
    return None if text is None else Message(*_RESPONSE.unpack_from(cdr, len(CDR_HEADER)), text)


def _tail(text: str) -> bytes:
    """A text, padding to a whole word, and the empty binary part."""
    data = text.encode() + b"\0"
    return struct.pack("<I", len(data)) + data.ljust(-(-len(data) // 4) * 4, b"\0") + bytes(4)


def _text(cdr: bytes, start: int) -> str | None:
    """The text at an offset; None: there is none, or the bytes are not CDR."""
    if not cdr.startswith(CDR_HEADER) or len(cdr) < start + 4:
        return None
    end = start + 4 + int.from_bytes(cdr[start : start + 4], "little")
    return cdr[start + 4 : end - 1].decode(errors="replace") if end <= len(cdr) else None
