"""docs/batch-data.md and its verbs in docs/admin.md: what they show, and what comes of typing it."""

from __future__ import annotations

import json
import re

import strandline as client_library

from page_blocks import ADMIN, DEFINE, NO_KAFKA
from pages import Block, Key, Reader

PAGE = "docs/batch-data.md"
MATERIALIZE, MATERIALIZED = (Key(PAGE, "Materialize", number) for number in (1, 2))
ORCHESTRATE, ORCHESTRATED = (Key(PAGE, "From an orchestrator", number) for number in (1, 2))
FILE_ROWS, FILE_ROWS_REPLY = (Key(ADMIN, "file_rows", number) for number in (1, 2))
AVAILABLE_FROM = Key(ADMIN, "available_from", 1)
BLOCKS = [MATERIALIZE, ORCHESTRATE, ORCHESTRATED, FILE_ROWS, FILE_ROWS_REPLY, AVAILABLE_FROM]


def follow(reader: Reader, blocks: dict[Key, Block]) -> None:
    """Types the page into a README's shop of its own, since the other pages count its orders."""
    try:
        reader.type(blocks[DEFINE].text)
        reader.type(blocks[NO_KAFKA].text)
        type_page(reader, blocks)
    finally:
        reader.stop()


def type_page(reader: Reader, blocks: dict[Key, Block]) -> None:
    def without_times(text: str) -> str:
        return re.sub(r"(known_\w+|seconds)=\S+", r"\1=", text)

    printed = reader.type(blocks[MATERIALIZE].text)
    assert without_times(printed) == without_times(blocks[MATERIALIZED].text)
    result = json.loads(reader.type(blocks[ORCHESTRATE].text).splitlines()[-1])
    assert {**result, "seconds": 0} == {**json.loads(blocks[ORCHESTRATED].text), "seconds": 0}
    with client_library.connect(reader.address) as client:
        reply = client.admin("file_rows", json.loads(blocks[FILE_ROWS].text))
        assert reply == json.loads(blocks[FILE_ROWS_REPLY].text)
        # It is complete from the beginning already.
        assert client.admin("available_from", json.loads(blocks[AVAILABLE_FROM].text)) == {"source": "orders"}
