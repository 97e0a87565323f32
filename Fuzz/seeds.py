"""Writes the fuzzer's seeds to Fuzz/corpus: one conversation of each kind, in both layouts that ServerFuzzer.swift describes.

    .venv/bin/python Fuzz/seeds.py
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python" / "src"))

from strandline import wire  # noqa: E402
from strandline.wire import MessageType  # noqa: E402

TOKEN, GREETED, CHECKSUMS, FRAMED, COLD = 1, 2, 4, 8, 16
KEYS = [struct.pack("<HB", 9, 1) + struct.pack(">Q", number + (1 << 63)) for number in (3, 4, 99)]
T = 1_000_000_000_000

HELLO = (MessageType.HELLO, wire.encode_hello("secret", "seed"))
ALL = (MessageType.PREPARE, wire.encode_prepare("all"))
DERIVED = (MessageType.PREPARE, wire.encode_prepare("derived"))
REFERENCES = (MessageType.PREPARE, wire.encode_prepare(["p:count_1h", "d:ratio"]))
LOOKUP = (MessageType.LOOKUP, wire.encode_lookup(1, KEYS, T, T, event_times=True))
NOW = (MessageType.LOOKUP, wire.encode_lookup(1, KEYS[:1]))
ROWS = (MessageType.ROWS, wire.encode_rows(1, KEYS, [T, T - 1, 0], T, row_time=True))
VALUES = b"".join(struct.pack("<BdB", 2, 0.5, 3) + struct.pack("<I", 7) + "Zürich".encode() for _ in KEYS)
LATE = (MessageType.LOOKUP, NOW[1][:4] + bytes([0x80]) + NOW[1][5:25] + struct.pack("<I", 1000) + NOW[1][25:])
PING = (MessageType.PING, b"")


def with_values(head: tuple[MessageType, bytes], place: int) -> tuple[MessageType, bytes]:
    body = head[1]
    body = body[:4] + bytes([body[4] | 0x40]) + body[5:place] + struct.pack("<I", len(VALUES)) + VALUES + body[place:]
    return head[0], body


def history_page(view: str, rows: int, key: bytes | None = None) -> tuple[MessageType, bytes]:
    body = struct.pack("<Bqqq", 2 if key is None else 3, T, -(2**63), 2**63 - 1) + struct.pack("<I", rows)
    body += struct.pack("<H", len(view)) + view.encode()
    return MessageType.HISTORY_PAGE, body if key is None else body + struct.pack("<qQq", 0, 0, 0) + key


def admin(verb: str, body: str = "{}") -> tuple[MessageType, bytes]:
    return MessageType.ADMIN, wire.encode_admin(verb, body)


CONVERSATIONS = {
    "lookup": [ALL, LOOKUP, NOW, LATE, PING],
    "rows": [ALL, ROWS],
    "derived": [DERIVED, with_values(LOOKUP, 25), with_values(ROWS, 17 + 8 * len(KEYS)), LOOKUP],
    "references": [REFERENCES, NOW],
    "admin": [
        admin("status"), admin("describe"), admin("definitions"), admin("dead_letters", '{"after": 0, "limit": 10}'),
        admin("sample_entities", '{"source": "purchases", "entity": "customer", "count": 3, "seed": 1}'),
        admin(
            "entity_history",
            '{"source": "purchases", "entity": "customer", "key": [3], "limit": 5,'
            ' "after": {"time": 1, "incarnation": 1, "partition": 0, "offset": 0}}',
        ),
        admin("plan", '{"files": [{"name": "feature_store.yaml", "text": "project: fuzz"}]}'),
    ],
    "history": [history_page("p", 64), history_page("p", 2, KEYS[0]), history_page("nobody", 1), PING],
    "unknown": [NOW, (MessageType.PONG, b""), PING],
}  # fmt: skip


def main() -> None:
    folder = ROOT / "Fuzz" / "corpus"
    folder.mkdir(exist_ok=True)
    for name, messages in CONVERSATIONS.items():
        framed = b"".join(struct.pack("<BH", kind, len(body)) + body for kind, body in messages)
        raw = b"".join(wire.frame(kind, number, body) for number, (kind, body) in enumerate([HELLO, *messages], 1))
        (folder / f"{name}-framed").write_bytes(bytes([GREETED | FRAMED, 0]) + framed)
        (folder / f"{name}-cold").write_bytes(bytes([GREETED | FRAMED | COLD, 0]) + framed)
        (folder / f"{name}-sealed").write_bytes(bytes([GREETED | FRAMED | CHECKSUMS, 7]) + framed)
        (folder / f"{name}-raw").write_bytes(bytes([TOKEN, 0]) + raw)
    (folder / "pieces").write_bytes(bytes([TOKEN, 1]) + wire.frame(*[HELLO[0], 1, HELLO[1]]) + wire.frame(PING[0], 2, b""))
    (folder / "lie").write_bytes(bytes([0, 0]) + struct.pack("<II", 0xFFFFFFFF, 1))
    (folder / "half").write_bytes(bytes([GREETED, 0]) + wire.frame(*[ALL[0], 1, ALL[1]])[:20])


if __name__ == "__main__":
    main()
