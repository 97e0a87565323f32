"""Where a server is, and how it is to be spoken to."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Union

from .errors import InvalidArgument

PORT_DEFAULT = 6567
CLIENT_NAME = "strandline-python"
CONNECTIONS_DEFAULT = 4
TIMEOUT_DEFAULT = 10.0
#: What one attempt to connect may take; others wait for it, and the next one may find a server that answers.
ATTEMPT_SECONDS_MAX = 5.0

#: None: plain TCP. True: TLS with the system's authorities. An `ssl.SSLContext`: TLS as it says.
Tls = Union[None, bool, ssl.SSLContext]


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port``, ``host`` or ``[v6]:port``.

    Example: ``parse_address("[::1]:6567") == ("::1", 6567)``
    """
    host, port = address, str(PORT_DEFAULT)
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        if rest:
            port = rest[1:] if rest.startswith(":") else ""
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65535:
        raise InvalidArgument(f"{address!r} is not host:port")
    return host, int(port)


@dataclass(frozen=True)
class Endpoint:
    """Attributes:
        tls: the context of a TLS connection; None for plain TCP.

    Example: ``Endpoint.of("127.0.0.1:6567", None, None, False)``
    """

    address: str
    host: str
    port: int
    token: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    checksum: bool

    @classmethod
    def of(cls, address: str, token: str | None, tls: Tls, checksum: bool) -> Endpoint:
        """Raises InvalidArgument for an address that is none."""
        host, port = parse_address(address)
        context = tls if isinstance(tls, ssl.SSLContext) else ssl.create_default_context() if tls else None
        return cls(address, host, port, token, context, checksum)
