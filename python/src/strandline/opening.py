"""Opens a socket, with TLS where it is wanted, and leaves it not blocking."""

from __future__ import annotations

import socket
import ssl

from .endpoint import Endpoint
from .errors import ConnectionLost, ProtocolError, RequestTimedOut
from .steps import Deadline
from .tls import TlsBytes

_PART = 1 << 16


def open_socket(endpoint: Endpoint, deadline: Deadline) -> tuple[socket.socket, TlsBytes | None]:
    """Raises ConnectionLost where nobody listens, RequestTimedOut, and ProtocolError when TLS cannot be agreed on.

    Example: ``sock, tls = open_socket(endpoint, Deadline(1))``
    """
    address = endpoint.address
    try:
        sock = socket.create_connection((endpoint.host, endpoint.port), max(deadline.left(), 0.001))
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = None if endpoint.tls is None else _secured(sock, endpoint, endpoint.tls, deadline)
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        return sock, tls
    except TimeoutError:
        raise RequestTimedOut(f"{address}: no connection in {deadline.seconds} s") from None
    except ssl.SSLError as error:
        raise ProtocolError(f"{address}: the TLS handshake failed: {error}") from error
    except OSError as error:
        raise ConnectionLost(f"{address}: {error}") from error


def _secured(sock: socket.socket, endpoint: Endpoint, context: ssl.SSLContext, deadline: Deadline) -> TlsBytes:
    tls = TlsBytes(context, endpoint.host)
    while True:
        is_done = tls.handshake()
        sock.settimeout(max(deadline.left(), 0.001))
        sock.sendall(tls.to_send())
        if is_done:
            return tls
        data = sock.recv(_PART)
        if not data:
            raise ConnectionLost(f"{endpoint.address}: closed during the TLS handshake")
        tls.take(data)
