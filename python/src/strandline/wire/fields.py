"""Reads and writes the fields of a body."""

from __future__ import annotations

import struct
from typing import Any

from ..errors import InvalidArgument, ProtocolError


class Reader:
    """Reads a body's fields one after the other. Example: ``Reader(body).unpack("<I")``"""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.body) - self.at

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.body):
            raise ProtocolError("a message ends inside one of its fields")
        part = self.body[self.at : end]
        self.at = end
        return part

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def text(self, form: str = "<H") -> str:
        try:
            return str(self.take(self.unpack(form)[0]), "utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("a string is not UTF-8") from None

    def finish(self) -> None:
        if self.left:
            raise ProtocolError(f"{self.left} bytes after the end of a message")


def string(text: str) -> bytes:
    """A string with its `u16` length. Example: ``string("fraud")``"""
    try:
        utf8 = text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{text!r} cannot be written as UTF-8") from None
    if len(utf8) > 0xFFFF:
        raise InvalidArgument(f"a string of {len(utf8)} bytes; a message can hold 65535")
    return struct.pack("<H", len(utf8)) + utf8
