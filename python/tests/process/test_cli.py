"""The command line, verb by verb: exit statuses and texts.

0 done, 1 failed, 2 wrong usage or definitions, 4 not found, 5 server unreachable. Results go to standard output, what
went wrong to standard error.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands import FAILED, NOT_FOUND, OK, UNREACHABLE, USAGE, Done, environment, fails, nobody, strandline
from processes import Broker, Process, Server, wait_for

# Every verb, with what it cannot do without.
VERBS = {
    "serve": [],
    "plan": [],
    "apply": [],
    "get": ["customer_id=42"],
    "training-set": ["--labels", "labels.csv", "--service", "churn", "--out", "out.csv"],
    "status": [],
    "features": [],
    "dead-letters": [],
    "produce": ["records.jsonl", "--bootstrap", "127.0.0.1:1", "--topic", "orders"],
    "dev-broker": [],
}

STORE = """\
project: cli_tests
server: {commit_interval: 5ms}
kafka: {bootstrap.servers: "127.0.0.1:1"}
entities: [{name: customer, join_keys: {customer_id: int64}}]
sources:
  - name: orders
    timestamp_field: at
    timestamp_format: iso8601
    schema: {customer_id: int64, amount: float64}
"""
VIEWS = """\
feature_views:
  - name: spending
    entity: customer
    source: orders
    aggregations:
      - {function: count, time_window: [1h, 30d]}
      - {column: amount, function: sum, time_window: 30d}
feature_services: [{name: churn, features: ["spending:*"]}]
"""
RECORDS = """\
{"customer_id": 42, "at": "2025-11-20T00:00:00Z", "amount": 19.9}

{"customer_id": 42, "at": "1999", "amount": 1}
"""
GOOD_LABELS = ["42,2025-11-24T08:15:00Z,007", "42,2025-11-01,x"]


@pytest.fixture(scope="module", autouse=True)
def our_environment() -> Iterator[None]:
    """Of the user's own variables none points a command of these tests anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        yield


@dataclass(frozen=True)
class World:
    """One server with one good order and one dead letter, for all tests here."""

    folder: Path
    repo: Path
    broker: Broker
    server: Server

    def __call__(self, *arguments: str) -> Done:
        return strandline(*arguments, "--address", self.server.address)

    def applied(self) -> str:
        """What is in force, whole."""
        return self("features", "--output", "json").out


def write_repo(folder: Path, store: str = STORE, views: str = VIEWS) -> Path:
    folder.mkdir()
    (folder / "feature_store.yaml").write_text(store)
    (folder / "views.yaml").write_text(views)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cli")
    repo = write_repo(folder / "repo")
    broker = Broker(folder, "orders", 1)
    server = None
    try:
        broker.produce(folder, "orders", "customer_id", RECORDS.splitlines())
        started = server = Server(folder, repo, broker.bootstrap)
        wait_for("the order", lambda: (ingest := started.status()["ingest"])["events"] + ingest["dead_letters"] == 2)
        yield World(folder, repo, broker, server)
        server.stop()
        assert server.process.returncode == OK, "SIGTERM is the orderly way to end"
        broker.stop()
        assert broker.process.returncode == OK
    finally:
        if server is not None:
            server.stop()
        broker.stop()


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
        ("stauts", ["Unexpected argument 'stauts'", "strandline --help"]),
        ("--nope", ["Unknown option '--nope'"]),
        ("status --adress x", ["did you mean '--address'"]),
        ("status extra", ["Unexpected argument 'extra'"]),
        ("status --output xml", ["'xml' is invalid for '--output", "'table' and 'json'"]),
        ("status --address nonsense", ["'nonsense' is not an address; write host:port, for example 127.0.0.1:6567"]),
        ("status --address 127.0.0.1:65536", ["'127.0.0.1:65536' is not an address"]),
        ("get", ["Missing expected argument '<entity> ...'", "each name=value"]),
        ("get customer_id=42", ["give either --service or --features"]),
        ("get customer_id=42 --service churn --features a:b", ["give either --service or --features"]),
        ("get customer_id=42 --service churn --as-of noon", ["--as-of: 'noon' is not an ISO 8601 time", "1998-06-30"]),
        ("get customer_id=42 --service churn --known-at noon", ["--known-at: 'noon' is not an ISO 8601 time"]),
        ("get customer_id=42 --service churn --boundary wide", ["'wide' is invalid for '--boundary", "'inclusive'"]),
        ("dead-letters --limit x", ["'x' is invalid for '--limit", "1 to 10000"]),
        ("training-set --labels l.csv --service churn", ["Missing expected argument '--out <out>'"]),
        ("training-set --labels l.csv --service churn --out t.xls", ["t.xls: ", ".xls; use .csv, .parquet or .arrow"]),
        ("produce --topic orders x.jsonl", ["Missing expected argument '--bootstrap <bootstrap>'"]),
        ("produce --bootstrap 127.0.0.1:1 --topic orders", ["Missing expected argument '<file>'"]),
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
        ["status"], ["features"], ["dead-letters"], ["get", "customer_id=42", "--service", "churn"],
        ["plan", "--repo", "repo"], ["apply", "--repo", "repo"],
        ["training-set", "--labels", "labels.csv", "--service", "churn", "--out", "out.csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_server(arguments: list[str], tmp_path: Path) -> None:
    write_repo(tmp_path / "repo")
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    with nobody() as address:
        texts = (f"no server at {address}: ", "\nstart one with: strandline serve ")
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
        "--listen", "127.0.0.1:0", "--no-ingest", "--token-file", str(tmp_path / "tokens.txt"), wanted="listening on ",
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


# Definitions.


@dataclass(frozen=True)
class Mistake:
    """A change of the repository, and what is said about it; `^` in the new text marks the place that is named."""

    before: str
    after: str
    message: str

    def write(self, folder: Path) -> tuple[Path, str]:
        repo = write_repo(folder)
        name, text = next((n, t) for n, t in (("feature_store.yaml", STORE), ("views.yaml", VIEWS)) if self.before in t)
        changed = text.replace(self.before, self.after, 1)
        up_to, _, _ = changed.partition("^")
        (repo / name).write_text(changed.replace("^", "", 1))
        line = up_to.count("\n") + 1
        column = len(up_to) - (up_to.rfind("\n") + 1) + 1
        return repo, f"{name}:{line}:{column}: {self.message}"


MISTAKES = {
    "function": Mistake("function: sum", "function: ^summ", "unknown function 'summ'; did you mean 'sum'?"),
    "key": Mistake("server: {", "server: {^lissten: x, ", "unknown key 'lissten' in 'server'; did you mean 'listen'?"),
    "feature": Mistake(
        '"spending:*"',
        '^"spending:count_3d"',
        "feature view 'spending' has no feature 'count_3d'; did you mean 'count_30d'?",
    ),
    "entity": Mistake("entity: customer", "entity: ^custmer", "unknown entity 'custmer'; did you mean 'customer'?"),
    "window": Mistake("time_window: 30d", "time_window: ^30x", "'time_window' must be a duration such as 30d"),
    "kafka": Mistake("bootstrap.servers:", "^bootstrap.serves:", 'No such configuration property: "bootstrap.serves"'),
    "variable": Mistake('"127.0.0.1:1"', '^"${NOT_SET_HERE}"', "the environment variable 'NOT_SET_HERE' is not set"),
    "syntax": Mistake("server: {", "server: {}^}", "YAML syntax: "),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_definitions(world: World, tmp_path: Path, name: str) -> None:
    """It is found where the files are read, whichever verb reads them, and whoever would take what they say."""
    repo, wanted = MISTAKES[name].write(tmp_path / "repo")
    from_repo = ("--repo", str(repo))
    to_data = ("--data-dir", str(tmp_path / "data"))
    before = world.applied()
    fails(world("apply", *from_repo), USAGE, f"strandline: 1 mistake in {repo}\n{wanted}")
    # A mistake of each kind of reader - definitions, librdkafka, YAML - for every verb and target.
    if name in ("function", "kafka", "syntax"):
        for done in (
            world("plan", *from_repo),
            strandline("plan", *from_repo, *to_data),
            strandline("apply", *from_repo, *to_data),
            strandline("serve", *from_repo, *to_data, "--listen", "127.0.0.1:0"),
        ):
            fails(done, USAGE, f"strandline: 1 mistake in {repo}\n{wanted}")
    assert world.applied() == before
    assert not (tmp_path / "data").exists(), "nothing was applied, so there is no store"


def test_all_mistakes_at_once_in_the_order_of_the_files(world: World, tmp_path: Path) -> None:
    store = STORE.replace("commit_interval", "comit_interval").replace("iso8601", "iso8602")
    repo = write_repo(tmp_path / "repo", store, VIEWS.replace("function: count", "function: cuont"))
    before = world.applied()
    done = world("apply", "--repo", str(repo))
    fails(done, USAGE, f"strandline: 3 mistakes in {repo}\n")
    first, second, third = done.err.splitlines()[1:]
    assert first.startswith("feature_store.yaml:2:10: ") and first.endswith("; did you mean 'commit_interval'?")
    assert second.startswith("feature_store.yaml:8:23: ") and second.endswith("; did you mean 'iso8601'?")
    assert third == "views.yaml:6:20: unknown function 'cuont'; did you mean 'count'?"
    assert world.applied() == before


def test_no_repository(world: World, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    fails(world("plan", "--repo", str(gone)), USAGE, f"\n{gone}: cannot read the folder: No such file or directory\n")
    fails(world("apply", "--repo", str(tmp_path)), USAGE, f"{tmp_path}: no *.yaml files here", "feature_store.yaml")


def test_plan_and_apply_on_a_server(world: World, tmp_path: Path) -> None:
    same = world("plan", "--repo", str(world.repo))
    assert same.status == OK and "\n  nothing changes\n0 to add, 0 to change, 0 to remove, 4 unchanged.\n" in same.out

    repo = write_repo(tmp_path / "repo")
    (repo / "more.yaml").write_text('feature_services: [{name: greeting, features: ["spending:count_1h"]}]\n')
    before = world.applied()
    planned = world("plan", "--repo", str(repo))
    assert (planned.status, planned.err) == (OK, "")
    assert planned.out.startswith("Plan for project cli_tests\n  + service greeting@1\n      + spending:count_1h\n")
    assert planned.out.endswith("\n1 to add, 0 to change, 0 to remove, 4 unchanged.\n")
    assert world.applied() == before, "a plan changes nothing"

    applied = world("apply", "--repo", str(repo))
    assert (applied.status, applied.err) == (OK, "")
    said, _, last = applied.out.removesuffix("\n").rpartition("\n")
    assert said + "\n" == planned.out and last.startswith("applied, definition ")
    assert json.loads(world.applied())["definition_hash"].startswith(last.removeprefix("applied, definition "))
    assert "\nservice greeting@1 (customer_id): 1 features\n" in world("features").out
    assert world("get", "customer_id=42", "--service", "greeting").status == OK


@pytest.mark.parametrize("with_server", [True, False], ids=["server", "data-dir"])
def test_a_refused_change(world: World, tmp_path: Path, with_server: bool) -> None:
    """It stays what it is, even what could be applied alone."""
    store = STORE.replace("amount: float64", "amount: int64").replace("at\n", "made_at\n")
    repo = write_repo(tmp_path / "repo", store, VIEWS.replace("[1h, 30d]", "[1h, 7d, 30d]"))
    data = str(tmp_path / "data")

    def on_target(verb: str, folder: Path) -> Done:
        run = world if with_server else strandline
        return run(verb, "--repo", str(folder), *([] if with_server else ["--data-dir", data]))

    assert on_target("apply", world.repo).status == OK
    for verb in ("plan", "apply"):
        done = on_target(verb, repo)
        assert done.status == USAGE, str(done)
        assert done.err == "strandline: nothing was applied: these changes cannot be made to a live store\n"
        for line in (
            "  ~ source orders",
            "      ~ column amount: float64 -> int64",
            "      + count_7d (count of events over 7d)",
            "Refused",
        ):
            assert line in done.out.splitlines(), f"no line {line!r}\n{done}"
        refused = [line for line in done.out.splitlines() if line.startswith("  ! source 'orders': ")]
        assert ["changes from at to made_at; " in line for line in refused] == [True, False]
        assert ["column 'amount' changes from float64 to int64; " in line for line in refused] == [False, True]
        assert all(line.endswith("; give the source a new name") for line in refused), str(done)
        assert " Cannot be applied: 2 refused.\n" in done.out and "applied, definition" not in done.out
        assert "\n  nothing changes\n" in on_target("plan", world.repo).out


def test_plan_and_apply_on_a_data_directory(world: World, tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    planned = strandline("plan", "--repo", str(world.repo), *data)
    assert planned.status == OK and "\n4 to add, 0 to change, 0 to remove, 0 unchanged.\n" in planned.out, str(planned)
    assert "\n4 to add, " in strandline("plan", "--repo", str(world.repo), *data).out, "a plan changes nothing"
    assert "\napplied, definition " in strandline("apply", "--repo", str(world.repo), *data).out
    assert "\n  nothing changes\n" in strandline("plan", "--repo", str(world.repo), *data).out

    held = str(world.folder / "data")
    for verb in ("plan", "apply"):
        fails(strandline(verb, "--repo", str(world.repo), "--data-dir", held), FAILED, f"{held}", "locked")


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
        (["--features", "spending:count_1h", "spendin:x"], "no feature view 'spendin'; did you mean 'spending'?"),
        # Nothing is near: then all there is.
        (["--features", "weather:rain"], "no feature view 'weather'; feature views: spending"),
        (["--features", "spending"], "'spending' is not a feature reference; write view:feature"),
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


# Training sets.


def write_labels(path: Path, rows: list[str], header: str = "customer_id,event_timestamp,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def train(world: World, folder: Path, *arguments: str, out: str = "out.csv") -> Done:
    labels = ["--labels", "labels.csv", "--service", "churn", "--out", out]
    return strandline("training-set", *labels, "--address", world.server.address, *arguments, folder=folder)


def test_training_set(world: World, tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    done = train(world, tmp_path, "--status-columns")
    assert done.status == OK and re.fullmatch(r"rows=2 features=3 known_at=\S+Z out=out.csv\n", done.out), str(done)
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["007", "x"], "other columns come through as they are"
    assert [(row["count_30d"], row["amount_sum_30d"]) for row in rows] == [("1", "19.9"), ("0", "")]
    assert [row["count_30d__status"] for row in rows] == ["PRESENT", "NOT_FOUND"]


@pytest.mark.parametrize(
    "row, message",
    [
        ("42,yesterday,1", "column 'event_timestamp' holds 'yesterday', which is not a time (ISO 8601)"),
        ("42,,1", "column 'event_timestamp' is empty"),
        ("x,2025-11-01,1", "column 'customer_id' holds 'x', which is not a whole number of 64 bits"),
        (",2025-11-01,1", "column 'customer_id' is empty"),
        ("42,2025-11-01", "expected 3 fields, found 2: 42,2025-11-01"),
    ],
)
def test_a_malformed_label_row(world: World, tmp_path: Path, row: str, message: str) -> None:
    """The blank line and the quoted line end count as lines of the file, so that an editor finds the row."""
    write_labels(tmp_path / "labels.csv", [GOOD_LABELS[0], "", '42,2025-11-01,"two\nlines"', row, GOOD_LABELS[1]])
    fails(train(world, tmp_path), USAGE, f"labels.csv: line 6: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"], "no output, whole or in part"
    (tmp_path / "out.csv").write_text("yesterday's\n")
    fails(train(world, tmp_path), USAGE)
    assert (tmp_path / "out.csv").read_text() == "yesterday's\n"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_bad_rows_can_be_skipped(world: World, tmp_path: Path, kind: str) -> None:
    bad = ["42,never,1", "42,,1", "x,2025-11-01,1", ",2025-11-01,1", "42,2025-11-01", "42,2025-11-01,1,1", "x,never,1"]
    write_labels(tmp_path / "labels.csv", [bad[0], GOOD_LABELS[0], *bad[1:5], GOOD_LABELS[1], *bad[5:]])
    done = train(world, tmp_path, "--skip-bad-rows", out=f"out.{kind}")
    assert done.status == OK and done.out.startswith("rows=2 skipped=7 features=3 "), str(done)
    if kind == "csv":
        lines = (tmp_path / "out.csv").read_text().splitlines()
        assert [line.rsplit(",", 3)[0] for line in lines[1:]] == GOOD_LABELS
    # Nothing was left out, and that is said too.
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    assert train(world, tmp_path, "--skip-bad-rows").out.startswith("rows=2 skipped=0 features=3 ")
    # A file of bad rows only is a mistake, and no empty training set.
    write_labels(tmp_path / "labels.csv", bad)
    fails(train(world, tmp_path, "--skip-bad-rows", out="none.csv"), USAGE, "labels.csv: no label rows")
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(
    "header, rows, message",
    [
        ("customer_id,label", ["42,1"], "no column event_timestamp or timestamp; name the time column with --"),
        ("customer,timestamp", ["42,2025-11-01"], "no column 'customer_id'; did you mean 'customer'?"),
        ("customer_id,timestamp,count_1h", ["42,2025-11-01,1"], "has a column of that name already"),
        ("customer_id,timestamp", [], "no label rows"),
        ("customer_id,timestamp", ['"42,2025-11-01'], "line 2: a quote is opened and never closed"),
    ],
)
def test_a_label_file_that_does_not_fit(
    world: World, tmp_path: Path, header: str, rows: list[str], message: str
) -> None:
    write_labels(tmp_path / "labels.csv", rows, header)
    fails(train(world, tmp_path), USAGE, "labels.csv: ", message)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


def test_a_training_set_of_what_there_is_not(world: World, tmp_path: Path) -> None:
    fails(train(world, tmp_path), NOT_FOUND, "labels.csv: ")
    write_labels(tmp_path / "labels.csv", GOOD_LABELS)
    fails(train(world, tmp_path, "--service", "chrun"), NOT_FOUND, "no feature service 'chrun'; did you mean 'churn'?")
    fails(train(world, tmp_path, "--timestamp-column", "when"), USAGE, "there is no column 'when'. Columns: customer")
    fails(train(world, tmp_path, out="gone/out.csv"), NOT_FOUND, "gone/out.csv: cannot create a file in 'gone'")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.csv"]


# Serving.


def serve(world: World, *arguments: str, data: Path, repo: Path | None = None) -> Done:
    """Only for starts that are refused: it waits for the end."""
    return strandline("serve", "--repo", str(repo or world.repo), "--data-dir", str(data), *arguments)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "example.org"])
def test_an_address_that_is_not_loopback(world: World, tmp_path: Path, host: str) -> None:
    """Refused before anything is bound or made. 192.0.2.1 is of a documentation network: no machine has it."""
    message = "is not a loopback address: give --token-file, or --insecure-bind to let anyone in"
    fails(serve(world, "--listen", f"{host}:0", data=tmp_path / "data"), USAGE, message)
    if host == "0.0.0.0":  # said by the repository, too
        repo = write_repo(tmp_path / "repo", STORE.replace("server: {", f'server: {{listen: "{host}:0", '))
        fails(serve(world, data=tmp_path / "data", repo=repo), USAGE, message)
    assert not (tmp_path / "data").exists()


def test_who_may_listen_elsewhere(world: World, tmp_path: Path) -> None:
    """With the flag or a token file it is allowed; then the data directory is taken, so that nothing is bound."""
    (tmp_path / "tokens.txt").write_text("token\n")
    for option in (["--insecure-bind"], ["--token-file", str(tmp_path / "tokens.txt")]):
        done = serve(world, "--listen", "192.0.2.1:0", *option, data=world.folder / "data")
        fails(done, FAILED, "is in use by another process")


def test_a_data_directory_that_is_taken(world: World, tmp_path: Path) -> None:
    data = world.folder / "data"
    done = serve(world, "--listen", "127.0.0.1:0", data=data)
    fails(done, FAILED, f"strandline: {data} is in use by another process\n")
    assert world("status").status == OK, "the one that has it goes on"
    (tmp_path / "file").write_text("")
    fails(serve(world, "--listen", "127.0.0.1:0", data=tmp_path / "file"), FAILED, "file: ", "not a directory")


def test_an_address_that_is_taken(world: World, tmp_path: Path) -> None:
    done = serve(world, "--listen", world.server.address, data=tmp_path / "data")
    fails(done, FAILED, f"cannot listen on {world.server.address}: ", "in use")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--listen", "nonsense"], "'nonsense' is not an address; write host:port"),
        (["--log-level", "loud"], "--log-level is trace, debug, info, warning or error"),
        (["--log-format", "xml"], "--log-format is text or json"),
        (["--threads", "many"], "'many' is invalid for '--threads"),
        (["--kafka", "acks"], "--kafka 'acks': write name=value"),
        (["--kafka", "no.such=1"], 'No such configuration property: "no.such"'),
        (["--kafka", "enable.auto.commit=true"], "enable.auto.commit must be false here, not true"),
        (["--token-file", "gone.txt"], "gone.txt: cannot be read, or holds no token; write one a line: sha256:"),
    ],
)
def test_serve_with_wrong_options(world: World, tmp_path: Path, arguments: list[str], message: str) -> None:
    fails(serve(world, "--listen", "127.0.0.1:0", *arguments, data=tmp_path / "data"), USAGE, message)


@pytest.mark.parametrize("text", ["", "# nobody\n\n", "sha256:12\n", "good\nsha256:" + "g" * 64 + "\n"])
def test_a_token_file_that_lets_nobody_in(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "tokens.txt").write_text(text)
    done = serve(world, "--token-file", str(tmp_path / "tokens.txt"), "--listen", "127.0.0.1:0", data=tmp_path / "data")
    fails(done, USAGE, "tokens.txt: cannot be read, or holds no token")
    assert not (tmp_path / "data").exists()


# The broker, and records for it.


def test_produce(world: World, tmp_path: Path) -> None:
    """To a topic that no source reads, so that the other tests' events stay the ones that they know."""
    to = ["produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere"]
    (tmp_path / "records.jsonl").write_text(RECORDS)
    done = strandline(*to, "--key", "customer_id", str(tmp_path / "records.jsonl"))
    assert (done.status, done.out) == (OK, "produced=2 topic=elsewhere\n"), "a blank line is no record"
    done = strandline(*to, "-", stdin='{"a": 1}\r\n{"a": 2}')
    assert (done.status, done.out) == (OK, "produced=2 topic=elsewhere\n")
    assert strandline(*to, "-").out == "produced=0 topic=elsewhere\n"
    fails(strandline(*to, str(tmp_path / "gone.jsonl")), FAILED, f"{tmp_path}/gone.jsonl: cannot be read")


def test_a_record_that_is_too_large(world: World) -> None:
    to = ["produce", "--bootstrap", world.broker.bootstrap, "--topic", "elsewhere"]
    done = strandline(*to, "-", stdin="x" * 1_200_000)
    assert done.status != OK and done.out == "" and "too large" in done.err, str(done)


def test_dev_broker_with_a_topic_that_cannot_be() -> None:
    """Side by side: librdkafka takes a second to end a broker."""
    topics = ["orders", "orders:0", "orders:many", "orders:1:2", ""]
    with ThreadPoolExecutor(len(topics) + 1) as pool:
        twice = pool.submit(strandline, "dev-broker", "--topic", "orders:1", "--topic", "orders:2")
        for topic, done in zip(topics, pool.map(lambda topic: strandline("dev-broker", "--topic", topic), topics)):
            fails(done, USAGE, f"--topic '{topic}': write name:partitions, for example purchases:4")
        fails(twice.result(), FAILED, "already exists")
