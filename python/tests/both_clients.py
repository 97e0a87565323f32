"""The two clients behind one face, so that one test says what both do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import pytest

import strandline
import strandline.aio

Connect = Callable[..., Any]


class Blocking:
    """An asyncio client whose methods run its event loop until they are done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: strandline.aio.Client) -> None:
        self.loop = loop
        self.client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        return lambda *arguments, **named: self.loop.run_until_complete(method(*arguments, **named))


@contextmanager
def threads(*arguments: Any, **named: Any) -> Iterator[Any]:
    with strandline.connect(*arguments, **named) as client:
        yield client


@contextmanager
def tasks(*arguments: Any, **named: Any) -> Iterator[Any]:
    loop = asyncio.new_event_loop()
    try:

        async def connected() -> strandline.aio.Client:
            return await strandline.aio.connect(*arguments, **named)

        client = loop.run_until_complete(connected())
        try:
            yield Blocking(loop, client)
        finally:
            loop.run_until_complete(client.close())
    finally:
        loop.close()


#: A test that takes `connect` runs with either client.
both = pytest.mark.parametrize("connect", [threads, tasks])
