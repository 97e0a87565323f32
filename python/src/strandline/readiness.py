"""Waiting until a socket can be read or written, where it does not block by itself."""

from __future__ import annotations

import select
import socket

_HAS_POLL = hasattr(select, "poll")


class Readiness:
    """Waits for one socket. One thread at a time may wait to read; writers may wait beside it.

    Example: ``Readiness(sock).readable(0.5)``
    """

    def __init__(self, sock: socket.socket) -> None:
        self._number = sock.fileno()
        self._reading = select.poll() if _HAS_POLL else None
        if self._reading is not None:
            self._reading.register(self._number, select.POLLIN)

    def readable(self, seconds: float) -> bool:
        """Whether there is something to read, an end of the stream included, within so many seconds."""
        if self._reading is None:
            return bool(select.select([self._number], [], [], max(0.0, seconds))[0])
        return bool(self._reading.poll(max(0.0, seconds) * 1000))

    def writable(self, seconds: float, or_readable: bool = False) -> bool:
        """Whether something can be written, or read where that is asked for too, within so many seconds."""
        if not _HAS_POLL:
            reading = [self._number] if or_readable else []
            return any(select.select(reading, [self._number], [], max(0.0, seconds))[:2])
        poll = select.poll()
        poll.register(self._number, select.POLLOUT | (select.POLLIN if or_readable else 0))
        return bool(poll.poll(max(0.0, seconds) * 1000))
