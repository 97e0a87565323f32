"""docs/export.md: what it shows, and what comes of typing it."""

from __future__ import annotations

import re

import duckdb

from page_blocks import EXPORT, EXPORTED, EXPORT_QUERY
from pages import Block, Key, Reader

BLOCKS = [EXPORT, EXPORTED, EXPORT_QUERY]


def follow(reader: Reader, blocks: dict[Key, Block]) -> None:
    """The folder is written, says what the page shows, and the page's query counts what a lookup counts."""
    # All but the moment, and how well it was compressed.
    texts = [reader.type(blocks[EXPORT].text), blocks[EXPORTED].text]
    assert len({re.sub(r"\b(known_at|bytes)=\S+", r"\1=", text) for text in texts}) == 1, texts
    query = blocks[EXPORT_QUERY].text.replace("'spending/", f"'{reader.folder}/spending/")
    assert duckdb.sql(query).fetchall() == [(1,)]
