"""The pages' own commands, taken from the pages and run: what a reader types in does what the page says.

Every block that is something to do is run here or listed with the reason why not (`test_every_block_is_run_or_listed`).
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import strandline as client_library

import batch_page
import commands
import export_page
from commands import FAILED, OK, fails
from page_blocks import (
    README, HTTP, ADDRESS, DEFINE, SERVE, ASK, CHANGE, NO_KAFKA, NO_KAFKA_OUTPUT, FROM_PYTHON, PYTHON_README,
    PYTHON_CLIENT_BLOCKS, START, PRINTED, TOKENS, WATCH, DEV_BROKER, STATUS, DESCRIBE, PLAN, PLAN_REPLY, DEAD_LETTERS,
    DEAD_LETTERS_REPLY, STATS, CURLS, ANSWER, STATS_VERB, STATS_TABLE, ADMIN_BLOCKS, YAML, MORE_VIEWS, KEYED, PRODUCE_KEYED,
    DEBEZIUM, VIEWS_BY_CATEGORY, EVALUATE, EVALUATED, LISTED, RUN, SNAPSHOT, SNAPSHOT_REPLY, TRAIN, TRAINED, VERIFY,
    VERIFIED, TRAIN_FROM_PYTHON, VERIFY_FROM_PYTHON,
)
from pages import Block, Key, Reader, all_blocks, blocks_of
from processes import Broker, Process, wait_for


def run_here(*keys: Key) -> None:
    RUN.update(keys)


@pytest.fixture(scope="module")
def blocks() -> dict[Key, Block]:
    return all_blocks()


@dataclass(frozen=True)
class Shop:
    """The README's shop, made and served by its "No Kafka at hand?" block."""

    reader: Reader
    printed: str

    @property
    def bootstrap(self) -> str:
        return (self.reader.folder / "broker.txt").read_text().partition("=")[2].strip()


run_here(DEFINE, NO_KAFKA)


@pytest.fixture(scope="module")
def shop(blocks: dict[Key, Block], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    reader = Reader(tmp_path_factory.mktemp("shop"))
    try:
        reader.type(blocks[DEFINE].text)
        yield Shop(reader, reader.type(blocks[NO_KAFKA].text))
    finally:
        reader.stop()


def test_every_block_is_run_or_listed(blocks: dict[Key, Block]) -> None:
    to_do = {key for key, block in blocks.items() if block.is_to_do}
    assert len(to_do) > 20, "the pages were not read"
    known = RUN | LISTED.keys()
    unknown = [str(key) for key in sorted(to_do - known, key=str)]
    assert not unknown, f"neither run nor listed: {unknown}; run them here, or list them with a reason"
    assert not known - blocks.keys(), f"not in the pages any more: {[str(key) for key in known - blocks.keys()]}"
    assert not RUN & LISTED.keys(), "run, and listed as not run"
    for key, (word, _) in LISTED.items():
        assert word in blocks[key].text, f"{key} is another block than the one that was listed"


def test_a_new_block_is_noticed() -> None:
    page = "# A\n```bash\nstrandline status\n```\n## B\n```\n$ make demo\n```\n```\nfeature  value\n```\n"
    found = blocks_of("x.md", page)
    assert [(str(block.key), block.is_to_do) for block in found] == [
        ("x.md 'A' block 1", True), ("x.md 'B' block 1", True), ("x.md 'B' block 2", False),
    ]


run_here(NO_KAFKA_OUTPUT)


def test_without_kafka_the_page_shows_what_is_printed(shop: Shop, blocks: dict[Key, Block]) -> None:
    """All but the moment of knowing, which is now."""

    def without_now(text: str) -> str:
        return re.sub(r"(known at )\S+", r"\1(now)", text)

    produced, _, table = shop.printed.partition("customer_id=42")
    assert "produced=1 topic=orders\n" in produced
    assert without_now("customer_id=42" + table) == without_now(blocks[NO_KAFKA_OUTPUT].text)


run_here(SERVE, ASK, CHANGE)


def test_two_terminals(shop: Shop, blocks: dict[Key, Block], tmp_path: Path) -> None:
    """One serves in the foreground, the other asks; the Kafka is the other shop's, with its one order."""
    reader = Reader(tmp_path, KAFKA_BOOTSTRAP=shop.bootstrap)
    try:
        reader.type(blocks[DEFINE].text)
        first = reader.open_shell(blocks[SERVE].text)
        assert first.wait_until_printed("listening on ").endswith(f"listening on {reader.address}\n")
        wait_for("the order", lambda: '"events":1' in reader.type("strandline status --output json"))

        printed = reader.type(blocks[ASK].text)
        for text in ("spending:amount_sum_30d", "service churn@1 (customer_id): 4 features", "customer_id=42  as of"):
            assert text in printed
        assert "rows=2 features=4" in printed
        assert (tmp_path / "train.parquet").read_bytes()[:4] == b"PAR1"
        # The same rows as text: the order of the 23rd is before the first label, and after the second.
        reader.type("strandline training-set --labels labels.csv --service churn --out train.csv")
        assert (tmp_path / "train.csv").read_text().splitlines() == [
            "customer_id,event_timestamp,label,count_1h,count_30d,amount_sum_1h,amount_sum_30d",
            "42,2024-11-24T08:15:00Z,1,0,1,,19.9",
            "42,2024-11-01,0,0,0,,",
        ]

        path = tmp_path / "shop" / "feature_store.yaml"
        text = path.read_text()
        assert "{function: count, time_window: [1h, 30d]}" in text
        path.write_text(text.replace("count, time_window: [1h, 30d]", "count, time_window: [7d]"))
        printed = reader.type(blocks[CHANGE].text)
        assert "\n      + count_7d (count of events over 7d)\n" in printed and "\napplied, definition " in printed
        assert "spending:count_7d " in reader.type("strandline features")

        reader.stop("serve")
        whole = f"http on {reader.http}\nlistening on {reader.address}\n"
        assert first.finish() == whole, "nothing is printed afterwards, and it ends well"
    finally:
        reader.stop()


run_here(FROM_PYTHON)


def test_from_python(shop: Shop, blocks: dict[Key, Block]) -> None:
    text = blocks[FROM_PYTHON].text
    assert ADDRESS in text
    printed = shop.reader.start(sys.executable, "-c", text.replace(ADDRESS, shop.reader.address)).finish().splitlines()
    assert len(printed) == 3
    features, statuses, rows = printed
    assert "'customer_id': [42, 43]" in features
    assert "NOT_FOUND" in statuses or "NULL_VALUE" in statuses
    # As of the 1st there is nothing; as of the 24th, the order of the day before.
    assert "'spending:count_30d': [0, 1]" in rows and "'spending:amount_sum_30d': [None, 19.9]" in rows


run_here(*batch_page.BLOCKS)


def test_batch_data(blocks: dict[Key, Block], tmp_path: Path) -> None:
    batch_page.follow(Reader(tmp_path), blocks)


run_here(*CURLS, STATS_VERB)


def test_http(shop: Shop, blocks: dict[Key, Block]) -> None:
    """What curl is told to send, without curl; and where the time went afterwards."""
    shown = json.loads(blocks[ANSWER].text)
    for key in CURLS:
        found = re.fullmatch(r"curl -s http://127\.0\.0\.1:6566(\S+) -d '(.*)'\n", blocks[key].text, re.DOTALL)
        assert found is not None, f"{key} is not a curl command as it was"
        path, body = found.groups()
        with urllib.request.urlopen(f"http://{shop.reader.http}{path}", body.encode(), timeout=10) as answered:
            answer = json.load(answered)
        names = answer["metadata"]["feature_names"]
        assert names[0] == "customer_id" and {"count_30d", "amount_sum_30d"} < set(names)
        assert [column["values"] for column in answer["results"]][0] == [42, 43]
        assert {tuple(column) for column in answer["results"]} == {tuple(column) for column in shown["results"]}
    header, *lines = shop.reader.type(blocks[STATS_VERB].text).splitlines()
    assert header.split() == blocks[STATS_TABLE].text.splitlines()[0].split()
    assert any(line.split()[:2] == ["churn@1", "http"] for line in lines)


run_here(PYTHON_README)


def test_the_python_readme(shop: Shop, blocks: dict[Key, Block]) -> None:
    """It asks a service called fraud, which the shop gets first."""
    reader = shop.reader
    text = blocks[PYTHON_README].text
    assert ADDRESS in text and '"fraud"' in text
    extra = reader.folder / "shop" / "fraud.yaml"
    extra.write_text('feature_services: [{name: fraud, features: ["spending:count_30d"]}]\n')
    try:
        reader.type("strandline apply --repo shop")
        reader.start(sys.executable, "-c", text.replace(ADDRESS, reader.address)).finish()
    finally:
        extra.unlink()
        reader.type("strandline apply --repo shop")


run_here(*PYTHON_CLIENT_BLOCKS)


def test_the_python_client_page(shop: Shop, blocks: dict[Key, Block]) -> None:
    """Its blocks follow on each other, so they are one program."""
    text = "\n".join(blocks[key].text for key in PYTHON_CLIENT_BLOCKS)
    assert text.count(ADDRESS) == 2
    printed = shop.reader.start(sys.executable, "-c", text.replace(ADDRESS, shop.reader.address)).finish()
    assert "did you mean" in printed and "an entity has the keys customer_id; this one has customer" in printed
    for shown in ("consuming", "FeatureResult(1 row x 4 features", "Int64", "NOT_FOUND", "strandline.known_at"):
        assert shown in printed, printed


run_here(TRAIN, TRAINED, VERIFY, VERIFIED, TRAIN_FROM_PYTHON, VERIFY_FROM_PYTHON, *export_page.BLOCKS)


def test_training_sets(shop: Shop, blocks: dict[Key, Block]) -> None:
    """The page's file is built, verified, built again from Python, and verified; what is shown is what is printed."""
    reader = shop.reader

    def same(text: str) -> str:
        """All but the moment, and what drew the rows."""
        return re.sub(r"\b(known_at|seed)=\S+", r"\1=", text)

    assert same(reader.type(blocks[TRAIN].text)) == same(blocks[TRAINED].text)
    assert same(reader.type(blocks[VERIFY].text)) == same(blocks[VERIFIED].text)
    text = blocks[TRAIN_FROM_PYTHON].text.replace(ADDRESS, reader.address)
    printed = reader.start(sys.executable, "-c", text).finish()
    for shown in ("spending:count_30d", "0 of 8 cells leak", "'embargo': '1h'", "Int64", "from_python.parquet.manifest.json"):
        assert shown in printed, printed
    assert reader.type(blocks[VERIFY_FROM_PYTHON].text).startswith("verify=verified rows=2 checked=2 ")


def test_export(shop: Shop, blocks: dict[Key, Block]) -> None:
    export_page.follow(shop.reader, blocks)


run_here(*ADMIN_BLOCKS)


def shape(value: Any) -> Any:
    """The keys at all depths; lists by their first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value[:1]] if isinstance(value, list) else type(value).__name__


def test_the_control_plane(shop: Shop, blocks: dict[Key, Block]) -> None:
    """The requests of the page get the replies of the page. The one bad order that they speak of is made here."""
    page = {key: json.loads(blocks[key].text) for key in ADMIN_BLOCKS}
    sample = page[DEAD_LETTERS_REPLY]["letters"][0]["sample"]
    (shop.reader.folder / "bad.jsonl").write_text(sample + "\n")
    shop.reader.type(f"strandline produce --bootstrap {shop.bootstrap} --topic orders --key customer_id bad.jsonl")
    with client_library.connect(shop.reader.address) as client:
        wait_for("the letter", lambda: client.status()["ingest"]["dead_letters"] == 1)
        # It is forwarded by a thread of its own; the page shows it afterwards.
        wait_for("its forwarding", lambda: client.admin("dead_letters", page[DEAD_LETTERS])["waiting"] == 0)

        def reply(verb: str, body: dict[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = client.admin(verb, body)
            for letter in found.get("letters", []):
                letter["partition"] = 0  # the key's hash decides; the page shows a topic of one partition
            return found

        assert reply("dead_letters", page[DEAD_LETTERS]) == page[DEAD_LETTERS_REPLY]

        wait_for("lag in the status", lambda: "lag" in client.status()["ingest"])
        status, shown = client.status(), page[STATUS]
        assert status["counters"].keys() == shown["counters"].keys()
        assert shape(status) == shape(shown)

        client.get_features("churn", {"customer_id": 42})
        stats, shown = client.admin("stats"), page[STATS]
        assert any((line["service"], line["protocol"]) == ("churn@1", "tcp") for line in stats["lookups"])
        assert stats["lookups"][0].keys() == shown["lookups"][0].keys()
        assert stats["lookups"][0]["microseconds"].keys() == shown["lookups"][0]["microseconds"].keys()

        snapshot, shown = client.admin("snapshot", page[SNAPSHOT]), page[SNAPSHOT_REPLY]
        assert shape(snapshot) == shape(shown) and snapshot["service"] == shown["service"]

        described, shown = client.admin("describe"), page[DESCRIBE]
        assert shown["features"][0] in described["features"]
        assert shown["services"][0].keys() == described["services"][0].keys()
        assert shown["services"][0]["features"][0] in described["services"][0]["features"]
        assert (described["project"], described.keys()) == (shown["project"], shown.keys())

        planned = client.admin("plan", page[PLAN])
        assert planned["ok"] and planned["has_changes"] and planned.keys() == page[PLAN_REPLY].keys()
        wrong = {"files": [{"name": "feature_store.yaml", "text": page[PLAN]["files"][0]["text"] + "foo: 1\n"}]}
        for verb in ("plan", "apply"):
            found, shown = client.admin(verb, wrong), dict(page[PLAN_REPLY])
            (message,), (beginning,) = found.pop("diagnostics"), shown.pop("diagnostics")
            assert message.startswith(beginning.removesuffix("...")) and found == shown
        assert client.admin("describe") == described, "nothing was applied"


run_here(START, WATCH, DEV_BROKER)


def test_operations(blocks: dict[Key, Block], tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    try:
        broker = reader.open_shell(blocks[DEV_BROKER].text)
        bootstrap = broker.wait_until_printed("kafka bootstrap=").partition("=")[2].strip()
        reader.environment["KAFKA_BOOTSTRAP"] = bootstrap
        reader.copy("feature_repo")
        server = reader.open_shell(blocks[START].text)
        server.wait_until_printed("listening on ")
        records = ['{"customer_id": 4, "purchased_at": "1997-01-18"}', '{"customer_id": 4}']
        (tmp_path / "orders.jsonl").write_text("\n".join(records) + "\n")
        reader.type(f"strandline produce --bootstrap {bootstrap} --topic purchases orders.jsonl")
        wait_for("both records", lambda: "1 events, 1 dead letters" in reader.type("strandline status"))
        printed = reader.type(blocks[WATCH].text)
        assert "project cdnow, definition " in printed and "  dead_letters/purchases/" in printed
        assert re.search(r"^ +1  purchases/\d@\d  ", printed, re.MULTILINE) and "1 kept, " in printed
        reader.stop()
        # Both end in order when they are told to.
        broker.finish()
        server.finish()
    finally:
        reader.stop()


run_here(TOKENS, PRINTED)


def test_a_token_file(blocks: dict[Key, Block], tmp_path: Path) -> None:
    reader = Reader(tmp_path, TOKEN="open sesame")
    reader.type(blocks[TOKENS].text)
    text = (tmp_path / "tokens.txt").read_text()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", text) and "sesame" not in text
    reader.copy("feature_repo")
    server = Process(
        tmp_path, "server", "serve", "--repo", str(tmp_path / "feature_repo"), "--listen", "127.0.0.1:0",
        "--http-listen", "127.0.0.1:0", "--embedded-broker", "--token-file", str(tmp_path / "tokens.txt"), wanted="listening on ",
    )
    try:
        address = server.printed("listening on ")
        entered = commands.strandline("status", "--address", address, STRANDLINE_TOKEN="open sesame")
        assert entered.status == OK, str(entered)
        refused = commands.strandline("status", "--address", address, STRANDLINE_TOKEN="open sesam")
        fails(refused, FAILED, "UNAUTHENTICATED")
    finally:
        server.stop()
    # The lines that the page shows, but for the ports and the remarks beside two of them; and nothing afterwards.
    shown = re.sub(r" +\((with --embedded-broker|unless HTTP is off)\)", "", blocks[PRINTED].text)
    assert re.sub(r":\d+", ":", server.output.read_text()) == re.sub(r":\d+", ":", shown)


run_here(EVALUATE, EVALUATED)


def test_an_expression_is_tried(blocks: dict[Key, Block], tmp_path: Path) -> None:
    assert Reader(tmp_path).type(blocks[EVALUATE].text) == blocks[EVALUATED].text


run_here(*YAML, MORE_VIEWS, VIEWS_BY_CATEGORY)


def test_the_definitions(blocks: dict[Key, Block], tmp_path: Path) -> None:
    """The examples of the page are one repository, a file each."""
    repo = tmp_path / "repo"
    repo.mkdir()
    for key in YAML:
        (repo / f"{key.section.removesuffix('.yaml')}.yaml").write_text(blocks[key].text)
    (repo / "more_views.yaml").write_text(blocks[MORE_VIEWS].text)
    (repo / "views_by_category.yaml").write_text(blocks[VIEWS_BY_CATEGORY].text)
    done = commands.strandline("apply", "--repo", str(repo), "--data-dir", str(tmp_path / "data"))
    assert done.status == OK, str(done)
    views = ("+ view customer_purchases", "+ view paid_purchases", "amount_sum_by_category_30d", "+ view customer_profile")
    for text in ("+ entity card_at_merchant", *views, "+ service everything@1", "\napplied, "):
        assert text in done.out, str(done)


run_here(KEYED, DEBEZIUM, PRODUCE_KEYED)


def test_sources_of_changes(blocks: dict[Key, Block], tmp_path: Path) -> None:
    """Either source under an attribute view; and the records, to a broker of ours."""
    for number, key in enumerate((KEYED, DEBEZIUM)):
        repo = tmp_path / f"repo{number}"
        repo.mkdir()
        (repo / "source.yaml").write_text(blocks[key].text)
        (repo / "feature_store.yaml").write_text(
            "project: p\nentities: [{name: customer, join_keys: {customer_id: int64}}]\n"
            "attribute_views: [{name: profile, entity: customer, source: customers, attributes: [country, credit_limit]}]\n"
        )
        done = commands.strandline("apply", "--repo", str(repo), "--data-dir", str(tmp_path / f"data{number}"))
        assert done.status == OK and "+ credit_limit (latest credit_limit)" in done.out, str(done)
    broker = Broker(tmp_path, "customers", 1)
    try:
        text = blocks[PRODUCE_KEYED].text
        assert "127.0.0.1:9092" in text
        printed = Reader(tmp_path / "reader").type(text.replace("127.0.0.1:9092", broker.bootstrap))
        assert printed == "produced=1 topic=customers\n" * 2
    finally:
        broker.stop()
