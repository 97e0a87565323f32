"""The command line, verb by verb: exit statuses and texts of wrong usage, servers that are not there, and lookups.

0 done, 1 failed, 2 wrong usage or definitions, 3 mismatches, 4 not found, 5 server or broker unreachable. Results go
to standard output, what went wrong to standard error.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli_world import GOOD_LABELS, World, our_environment, world, write_labels, write_repo
from commands import FAILED, NOT_FOUND, OK, UNREACHABLE, USAGE, fails, nobody, strandline
from processes import Process

__all__ = ["our_environment", "world"]  # fixtures, found by their names

# Every verb, with what it cannot do without.
VERBS = {
    "serve": [],
    "plan": [],
    "apply": [],
    "get": ["customer_id=42"],
    "training-set": ["--labels", "labels.csv", "--service", "churn", "--out", "out.csv"],
    "verify": ["train.parquet.manifest.json"],
    "export": ["--view", "spending", "--out", "spending"],
    "status": [],
    "stats": [],
    "features": [],
    "evaluate": ["amount > 0", "--schema", "amount=float64"],
    "dead-letters": [],
    "parity": [],
    "produce": ["records.jsonl", "--bootstrap", "127.0.0.1:1", "--topic", "orders"],
    "dev-broker": [],
}


# What is asked for wrongly, before anything happens.


def test_help() -> None:
    whole = strandline("--help")
    assert whole.status == OK and "Examples:\n" in whole.out and "Exit status: 0 done, 1 failed" in whole.out
    lines = whole.out.partition("SUBCOMMANDS:\n")[2].splitlines()
    listed = [line.split()[0] for line in lines if line[2:3].strip()]
    assert listed == [*VERBS, "See"], "a verb that is not tested here"
    assert strandline().out == whole.out and strandline("help", "get").out == strandline("get", "--help").out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb: str) -> None:
    done = strandline(verb, "--help")
    assert (done.status, done.err) == (OK, ""), str(done)
    assert f"\nExamples:\n  strandline {verb}" in done.out and f"\nUSAGE: strandline {verb} " in done.out


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_examples_can_be_copied(verb: str) -> None:
    """From a terminal of 80 columns, the usual width: no line of them was broken but where a shell goes on."""
    lines = strandline(*verb.split(), "--help", COLUMNS="80").out.splitlines()
    start = lines.index("Examples:") + 1
    examples = lines[start : lines.index("", start)]
    goes_on = False
    for line in examples:
        assert re.match(r" {6}\S" if goes_on else r" {2}\S", line), f"broken in the middle: {line}"
        goes_on = line.endswith(("\\", "|"))
    assert examples and not goes_on


def test_version() -> None:
    done = strandline("--version")
    assert (done.status, done.err) == (OK, "") and done.out.count(".") == 2


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option(verb: str) -> None:
    done = strandline(verb, *VERBS[verb], "--nope")
    fails(done, USAGE, "Unknown option '--nope'", f"Usage: strandline {verb}", f"See 'strandline {verb} --help'")


@pytest.mark.parametrize(
    "arguments, texts",
    [
        ("stauts", ["there is no verb 'stauts'; did you mean 'status'?\nverbs: serve, plan, ", "strandline --help"]),
        ("help stauts", ["there is no verb 'stauts'; did you mean 'status'?\nverbs: serve, plan, "]),
        ("nosuch --help", ["there is no verb 'nosuch'\nverbs: serve, plan, "]),
        ("--nope", ["Unknown option '--nope'"]),
        ("status --adress x", ["did you mean '--address'"]),
        ("status extra", ["Unexpected argument 'extra'"]),
        ("status --output xml", ["'xml' is invalid for '--output", "'table' and 'json'"]),
        ("status --address nonsense", ["'nonsense' is not an address; write host:port, for example 127.0.0.1:6567"]),
        ("status --address 127.0.0.1:65536", ["'127.0.0.1:65536' is not an address"]),
        ("get", ["give either --service or --features"]),
        ("get --service x --request amount", ["--request: 'amount' is not name=value, for example amount=12.5"]),
        ("get --service x --request a=1 a=2", ["request value 'a' is given twice"]),
        ("training-set --labels x.csv --service x --out y.csv --request-columns a", ["'a' is not name=column"]),
        ("get customer_id=42", ["give either --service or --features"]),
        ("get customer_id=42 --service churn --features a:b", ["give either --service or --features"]),
        ("get customer_id=42 --features a:b spending", ["--features: 'spending' is not a feature; write view:feature"]),
        ("get a=1 a=2 --service churn", ["join key 'a' is given twice"]),
        ("get a=1 a=1 --service churn", ["join key 'a' is given twice"]),
        ("get customer_id=42 --service churn --as-of noon", ["--as-of: 'noon' is not an ISO 8601 time", "1998-06-30"]),
        ("get customer_id=42 --service churn --known-at noon", ["--known-at: 'noon' is not an ISO 8601 time"]),
        ("get customer_id=42 --service churn --boundary wide", ["'wide' is invalid for '--boundary", "'inclusive'"]),
        ("dead-letters --limit x", ["'x' is invalid for '--limit", "1 to 10000"]),
        ("training-set --labels l.csv --service churn", ["Missing expected argument '--out <out>'"]),
        ("training-set --labels l.csv --service churn --out t.xls", ["t.xls: ", ".xls; use .csv, .parquet or .arrow"]),
        ("produce --topic orders x.jsonl", ["Missing expected argument '--bootstrap <bootstrap>'"]),
        ("produce --bootstrap 127.0.0.1:1 --topic orders", ["Missing expected argument '<file>'"]),
        ("produce --bootstrap= --topic orders -", ["Missing value for '--bootstrap <bootstrap>'"]),
        ("produce --bootstrap=, --topic orders -", ["--bootstrap ',' names no broker; write host:port, for example"]),
    ],
)
def test_wrong_usage(arguments: str, texts: list[str]) -> None:
    done = strandline(*arguments.split())
    fails(done, USAGE)
    for text in texts:
        assert text.lower() in done.err.lower(), f"standard error lacks {text!r}\n{done}"


# Nobody there, or nobody that speaks to us.


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"], ["stats"], ["features"], ["dead-letters"], ["parity"],
        ["get", "customer_id=42", "--service", "churn"],
        ["plan", "--repo", "repo"], ["apply", "--repo", "repo"],
        ["training-set", "--labels", "labels.csv", "--service", "churn", "--out", "out.csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_server(arguments: list[str], tmp_path: Path) -> None:
    write_repo(tmp_path / "repo")
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    with nobody() as address:
        texts = (f"strandline: no server at {address}: Connection refused\nstart one with: strandline serve ")
        fails(strandline(*arguments, "--address", address, folder=tmp_path), UNREACHABLE, *texts)
        if arguments == ["status"]:  # the variable says where, too
            fails(strandline("status", STRANDLINE_ADDRESS=address), UNREACHABLE, *texts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "repo"]


def test_tokens(world: World, tmp_path: Path) -> None:
    # As the page of operations makes it, and as a developer does; the comment is no token.
    digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
    (tmp_path / "tokens.txt").write_text(f"# who may enter\n{digest}\n\nplain\n")
    server = Process(
        tmp_path, "server", "serve", "--repo", str(world.repo), "--data-dir", str(tmp_path / "data"),
        "--listen", "127.0.0.1:0", "--http-listen", "off", "--no-ingest",
        "--token-file", str(tmp_path / "tokens.txt"), wanted="listening on ",
    )
    try:
        status = ["status", "--address", server.printed("listening on ")]
        for token in ("test", "plain"):
            assert strandline(*status, "--token", token).status == OK
            assert strandline(*status, STRANDLINE_TOKEN=token).status == OK
        assert strandline(*status, "--token", "test", STRANDLINE_TOKEN="wrong").status == OK, "the option goes over it"
        for wrong in (["--token", "wrong"], ["--token", ""], ["--token", digest], ["--token", "# who may enter"], []):
            fails(strandline(*status, *wrong), FAILED, "UNAUTHENTICATED")
        fails(strandline(*status, "--token", "secret-7"), FAILED)
        assert "secret-7" not in strandline(*status, "--token", "secret-7").err + server.errors.read_text()
        assert "ingest is off" in strandline(*status, "--token", "test").out
    finally:
        server.stop()


# Lookups.


def test_get(world: World) -> None:
    done = world("get", "customer_id=42", "--service", "churn", "--as-of", "2025-11-24")
    assert (done.status, done.err) == (OK, "")
    title, *rows = done.out.splitlines()
    assert title.startswith("customer_id=42  as of 2025-11-24T00:00:00Z  known at 20")
    assert [row.split() for row in rows] == [
        ["feature", "value", "status", "age"],
        ["spending:count_1h", "0", "PRESENT", "-"],
        ["spending:count_30d", "1", "PRESENT", "4d"],
        ["spending:amount_sum_30d", "19.9", "PRESENT", "4d"],
    ]
    # An event at T itself counts only when it is asked for.
    at = ["get", "customer_id=42", "--features", "spending:count_1h", "--output", "json", "--as-of", "2025-11-20"]
    for boundary, count in (("strict", 0), ("inclusive", 1)):
        found = json.loads(world(*at, "--boundary", boundary).out)
        assert found["features"]["spending:count_1h"]["value"] == count
    assert "NOT_FOUND" in world("get", "customer_id=43", "--service", "churn@1").out
    before = ["get", "customer_id=42", "--service", "churn", "--as-of", "2025-11-24", "--known-at", "2025-11-24"]
    assert "NOT_FOUND" in world(*before).out, "it arrived with this test, later than that K"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--service", "chrun"], "no feature service 'chrun'; did you mean 'churn'?"),
        (["--service", "churn@9"], "no feature service 'churn@9'; did you mean 'churn@1'?"),
        (["--features", "spending:count_3d"], "no feature 'count_3d' in view 'spending'; did you mean 'count_30d'?"),
        (["--features", "spending:count_1h", "spendin:x"], "no view 'spendin'; did you mean 'spending'?"),
        # Nothing is near: then all there is.
        (["--features", "weather:rain"], "no view 'weather'; views: spending"),
    ],
)
def test_get_of_what_there_is_not(world: World, arguments: list[str], message: str) -> None:
    fails(world("get", "customer_id=42", *arguments), NOT_FOUND, f"strandline: {message}\n")


@pytest.mark.parametrize(
    "key, message",
    [
        ("customer_id=4x", "join key 'customer_id': '4x' is not a whole number of 64 bits"),
        ("customer_id=", "join key 'customer_id': '' is not a whole number of 64 bits"),
        ("customer_id=4.0", "join key 'customer_id': '4.0' is not a whole number of 64 bits"),
        ("customer_id=9223372036854775808", "'9223372036854775808' is not a whole number of 64 bits"),
        ("custmer_id=42", "no join key 'custmer_id'; did you mean 'customer_id'?"),
        ("42", "'42' is not a join key; write name=value, for example customer_id=42"),
    ],
)
def test_get_with_a_bad_key(world: World, key: str, message: str) -> None:
    fails(world("get", key, "--service", "churn"), USAGE, message)


def test_json(world: World) -> None:
    """One object each; the page of the control plane names its keys."""

    def parsed(*arguments: str) -> dict[str, Any]:
        done = world(*arguments, "--output", "json")
        assert (done.status, done.err, done.out.count("\n")) == (OK, "", 1), str(done)
        found = json.loads(done.out)
        assert isinstance(found, dict)
        return found

    status = parsed("status")
    assert (status["project"], status["ingest"]["events"], status["ingest"]["dead_letters"]) == ("cli_tests", 1, 1)
    assert status["counters"] == {"events/orders": 1, "dead_letters/orders/bad_timestamp": 1}
    features = parsed("features")
    assert features["features"][0]["reference"] == "spending:count_1h" and features["services"][0]["name"] == "churn"
    (letter,) = parsed("dead-letters")["letters"]
    assert (letter["reason"], letter["offset"], json.loads(letter["sample"])["at"]) == ("bad_timestamp", 1, "1999")
    assert parsed("dead-letters", "--after", str(letter["sequence"]))["letters"] == []
    cells = parsed("get", "customer_id=42", "--service", "churn", "--as-of", "2025-11-24")
    assert cells["as_of"] == "2025-11-24T00:00:00Z" and set(cells) == {"as_of", "known_at", "features"}
    assert cells["features"]["spending:amount_sum_30d"] == {
        "value": 19.9, "status": "PRESENT", "event_time": "2025-11-20T00:00:00Z",
    }
    absent = parsed("get", "customer_id=43", "--features", "spending:amount_sum_30d")["features"]
    assert absent == {"spending:amount_sum_30d": {"value": None, "status": "NOT_FOUND", "event_time": None}}


def test_tables(world: World) -> None:
    status = world("status")
    assert status.status == OK and "\ningest consuming, 1 events, 1 dead letters, lag " in status.out
    assert status.out.startswith("project cli_tests, definition ") and "\n  events/orders 1\n" in status.out
    features = world("features")
    assert features.status == OK and "\nservice churn@1 (customer_id): 3 features\n" in features.out
    row = "spending:amount_sum_30d float64 sum of amount over 30d customer orders"
    assert features.out.splitlines()[3].split() == row.split()
    letters = world("dead-letters", "--limit", "1")
    assert letters.status == OK and "orders/0@1  bad_timestamp  field 'at' is not a time" in letters.out
    for limit in ("0", "10001"):
        fails(world("dead-letters", "--limit", limit), USAGE, "limit must be 1 to 10000")


# Trying an expression.


def test_evaluate_says_what_an_expression_is() -> None:
    done = strandline("evaluate", "AMOUNT*(1-discount)".lower(), "--schema", "amount=float64,discount=float64")
    assert (done.status, done.out) == (OK, "type=float64\ncanonical=amount * (1 - discount)\n"), str(done)


def test_evaluate_runs_over_rows(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"i": 3}\n{"i": null}\n{"i": 9223372036854775807}\n')
    done = strandline("evaluate", "i + 1", "--schema", "i=int64", "--rows", str(rows))
    assert done.status == OK and [json.loads(line) for line in done.out.splitlines()] == [4, None, {"error": "overflow"}]


def test_evaluate_shows_the_place_of_a_mistake() -> None:
    fails(
        strandline("evaluate", "amuont > 0", "--schema", "amount=float64"), USAGE, "column 1",
        "did you mean 'amount'?", "amuont > 0\n^",
    )
