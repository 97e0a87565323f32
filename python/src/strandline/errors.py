"""One tree of exceptions::

    StrandlineError
      InvalidArgument        the arguments do not fit; nothing was sent
      MissingExtra           an optional package is not installed
      ConnectionLost         no connection, or it ended before the reply
      RequestTimedOut        no reply in time; also a TimeoutError
      ProtocolError          the other side does not speak the protocol
      RequestError           the server refused; one subclass for each code

A code that this version does not know is a plain RequestError. All can be pickled, so they come back from other processes.
"""

from __future__ import annotations

from typing import Any


class StrandlineError(Exception):
    """Anything that goes wrong in this package.

    Example: ``except strandline.StrandlineError as error: log(error)``
    """


class InvalidArgument(StrandlineError, ValueError):
    """The arguments do not fit each other or the features; nothing was sent.

    Example: ``store.get_features("fraud", {"wrong_key": 1})``
    """


class MissingExtra(StrandlineError, ImportError):
    """An optional package is not installed; the message names what to install.

    Example: ``result.to_polars()`` without Polars
    """


class ConnectionLost(StrandlineError):
    """There is no connection, or it ended before the reply. Lookups were tried twice; an `admin` verb may have been carried out.

    Example: ``except strandline.ConnectionLost: features = defaults``
    """


class RequestTimedOut(StrandlineError, TimeoutError):
    """No reply within the timeout.

    Example: ``store.get_features("fraud", entity, timeout=0.02)``
    """


class ProtocolError(StrandlineError):
    """The other side's bytes are not replies of this protocol; the connection was closed.

    Example: connecting to the port of a web server.
    """


class RequestError(StrandlineError):
    """The server refused a request.

    Attributes:
        code: the number on the wire.
        name: the code's name, such as ``UNKNOWN_SERVICE``.
        retriable: True when the same request may succeed later.
        message: one sentence.

    Example: ``except strandline.RequestError as error: print(error.name, error.retriable)``
    """

    code: int = 0
    name: str = "UNKNOWN"

    def __init__(self, message: str, retriable: bool = False, code: int | None = None) -> None:
        if code is not None:
            self.code = code
            if type(self) is RequestError:
                self.name = f"CODE_{code}"
        self.message = message
        self.retriable = retriable
        super().__init__(f"{self.name}: {message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.retriable, self.code)


class MalformedFrame(RequestError):
    """A length, flag or count that contradicts the frame."""

    code, name = 1, "MALFORMED_FRAME"


class FrameTooLarge(RequestError):
    """A size beyond the limit in force."""

    code, name = 2, "FRAME_TOO_LARGE"


class NotGreeted(RequestError):
    """A message before HELLO, or a second HELLO."""

    code, name = 3, "NOT_GREETED"


class VersionUnsupported(RequestError):
    """No common protocol version."""

    code, name = 4, "VERSION_UNSUPPORTED"


class Unauthenticated(RequestError):
    """Token missing or wrong."""

    code, name = 5, "UNAUTHENTICATED"


class UnknownMessage(RequestError):
    """A message type that the server does not take."""

    code, name = 6, "UNKNOWN_MESSAGE"


class ChecksumMismatch(RequestError):
    """A frame was damaged on its way."""

    code, name = 7, "CHECKSUM_MISMATCH"


class UnknownService(RequestError):
    """No such feature service or version; the message names the nearest."""

    code, name = 10, "UNKNOWN_SERVICE"


class UnknownFeature(RequestError):
    """No such view or feature; the message names the nearest."""

    code, name = 11, "UNKNOWN_FEATURE"


class UnknownLookup(RequestError):
    """The lookup was not prepared on this connection."""

    code, name = 12, "UNKNOWN_LOOKUP"


class BadEntityKey(RequestError):
    """A key that does not fit the join keys."""

    code, name = 13, "BAD_ENTITY_KEY"


class TooMany(RequestError):
    """A count beyond a limit, or a reply that would be."""

    code, name = 14, "TOO_MANY"


class BadRequest(RequestError):
    """A field outside its range."""

    code, name = 15, "BAD_REQUEST"


class Unsupported(RequestError):
    """Known to the protocol, not to this server."""

    code, name = 16, "UNSUPPORTED"


class DefinitionsChanged(RequestError):
    """The definitions changed under the request."""

    code, name = 17, "DEFINITIONS_CHANGED"


class Overloaded(RequestError):
    """Retry later."""

    code, name = 20, "OVERLOADED"


class NotReady(RequestError):
    """The server is starting, or stopping."""

    code, name = 21, "NOT_READY"


class StoreFailed(RequestError):
    """The store stopped by name; see the server's log."""

    code, name = 22, "STORE_FAILED"


class InternalError(RequestError):
    """A defect in the server."""

    code, name = 23, "INTERNAL"


class DeadlineExceeded(RequestError, RequestTimedOut):
    """The timeout was over before the server came to the request; nothing was computed."""

    code, name = 24, "DEADLINE_EXCEEDED"


BY_CODE: dict[int, type[RequestError]] = {kind.code: kind for kind in RequestError.__subclasses__()}


def request_error(code: int, message: str, retriable: bool) -> RequestError:
    """The exception for an ERROR message; codes that this version does not know give a plain RequestError.

    Example: ``raise request_error(20, "retry later", True)``
    """
    return BY_CODE.get(code, RequestError)(message, retriable, code)
