"""After a fork the child owns none of its parent's connections: it forgets them and opens its own."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forgetful(Protocol):
    """Something that holds connections."""

    def forget_connections(self) -> None:
        """Drops all connections and locks without a byte sent: the parent goes on with the connections."""


_known: WeakSet[Forgetful] = WeakSet()


def forget_after_fork(holder: Forgetful) -> None:
    """Calls `forget_connections` in every forked child, for as long as the holder lives."""
    _known.add(holder)


def _forget() -> None:
    for holder in list(_known):
        holder.forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
