"""The command line: definitions that are planned and applied, and servers that start or refuse to."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli_world import STORE, VIEWS, World, our_environment, world, write_repo
from commands import FAILED, OK, USAGE, Done, fails, strandline
from processes import BINARY, Process

__all__ = ["our_environment", "world"]  # fixtures, found by their names


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
            strandline("serve", *from_repo, *to_data, "--listen", "127.0.0.1:0", "--http-listen", "off"),
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


def test_a_refusal_comes_after_the_plan(world: World, tmp_path: Path) -> None:
    """Also where both streams are one pipe, as in a log."""
    repo = write_repo(tmp_path / "repo", STORE.replace("amount: float64", "amount: int64"))
    for verb in ("plan", "apply"):
        command = [BINARY, verb, "--repo", repo, "--address", world.server.address]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == USAGE and done.stdout.startswith("Plan for project cli_tests\n"), done.stdout
        assert done.stdout.endswith("\nstrandline: nothing was applied: these changes cannot be made to a live store\n")


def test_plan_and_apply_on_a_data_directory(world: World, tmp_path: Path) -> None:
    data = ["--data-dir", str(tmp_path / "data")]
    planned = strandline("plan", "--repo", str(world.repo), *data)
    assert planned.status == OK and "\n4 to add, 0 to change, 0 to remove, 0 unchanged.\n" in planned.out, str(planned)
    assert "\n4 to add, " in strandline("plan", "--repo", str(world.repo), *data).out, "a plan changes nothing"
    assert "\napplied, definition " in strandline("apply", "--repo", str(world.repo), *data).out
    assert "\n  nothing changes\n" in strandline("plan", "--repo", str(world.repo), *data).out

    held = str(world.folder / "data")
    for verb in ("plan", "apply"):
        done = strandline(verb, "--repo", str(world.repo), "--data-dir", held)
        fails(done, FAILED, f"strandline: {held} is in use by another process\n")


# Serving.


def serve(world: World, *arguments: str, data: Path, repo: Path | None = None) -> Done:
    """Only for starts that are refused: it waits for the end."""
    elsewhere = [] if "--http-listen" in arguments else ["--http-listen", "off"]
    return strandline("serve", "--repo", str(repo or world.repo), "--data-dir", str(data), *elsewhere, *arguments)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.0.2.1", "[::]", "example.org", "127.example.org", "127.0.0.1.example.org", "127.1", "[::2]"],
)
def test_an_address_that_is_not_loopback(world: World, tmp_path: Path, host: str) -> None:
    """Refused before anything is bound or made. 192.0.2.1 is of a documentation network: no machine has it."""
    message = "is not a loopback address: give --token-file, or --insecure-bind to let anyone in"
    fails(serve(world, "--listen", f"{host}:0", data=tmp_path / "data"), USAGE, message)
    if host == "0.0.0.0":  # said by the repository, too
        repo = write_repo(tmp_path / "repo", STORE.replace("server: {", f'server: {{listen: "{host}:0", '))
        fails(serve(world, data=tmp_path / "data", repo=repo), USAGE, message)
    assert not (tmp_path / "data").exists()


def test_who_may_listen_elsewhere(world: World, tmp_path: Path) -> None:
    """With the flag or a token file it is allowed; then the data directory is taken, so that it does not stay bound."""
    (tmp_path / "tokens.txt").write_text("token\n")
    for option in (["--insecure-bind"], ["--token-file", str(tmp_path / "tokens.txt")]):
        done = serve(world, "--listen", "0.0.0.0:0", *option, data=world.folder / "data")
        fails(done, FAILED, "is in use by another process")
    for host in ("127.0.0.2", "localhost", "LOCALHOST", *(["[::1]"] if Path("/proc/net/if_inet6").exists() else [])):
        done = serve(world, "--listen", f"{host}:0", data=world.folder / "data")
        fails(done, FAILED, "is in use by another process")


def test_http_listens_by_the_same_rules(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    here = ["--listen", "127.0.0.1:0"]
    message = "0.0.0.0 is not a loopback address: give --token-file, or --insecure-bind to let anyone in"
    fails(serve(world, *here, "--http-listen", "0.0.0.0:0", data=data), USAGE, message)
    fails(serve(world, *here, "--http-listen", "nonsense", data=data), USAGE, "'nonsense' is not an address")
    done = serve(world, *here, "--http-listen", world.server.http, data=data)
    taken = f"strandline: cannot listen on {world.server.http}: Address already in use; give another one with --http-listen"
    fails(done, FAILED, taken)
    repo = write_repo(tmp_path / "repo", STORE.replace("server: {", 'server: {http_listen: "0.0.0.0:0", '))
    from_repo = ["serve", "--repo", str(repo), "--data-dir", str(data), *here]
    fails(strandline(*from_repo), USAGE, message)
    assert not data.exists()


def test_without_http(world: World, tmp_path: Path) -> None:
    """By option or by the repository: then the line that says where is not printed."""
    off = write_repo(tmp_path / "off", STORE.replace("server: {", "server: {http_listen: off, "))
    for number, (repo, more) in enumerate([(off, []), (world.repo, ["--http-listen", "off"])]):
        server = Process(
            tmp_path, f"server{number}", "serve", "--repo", str(repo), "--data-dir", str(tmp_path / f"data{number}"),
            "--listen", "127.0.0.1:0", "--no-ingest", *more, wanted="listening on ",
        )
        try:
            server.printed("listening on ")
        finally:
            server.stop()
        assert "http" not in server.output.read_text() and server.process.returncode == OK


def test_a_data_directory_that_is_taken(world: World, tmp_path: Path) -> None:
    data = world.folder / "data"
    done = serve(world, "--listen", "127.0.0.1:0", data=data)
    fails(done, FAILED, f"strandline: {data} is in use by another process\n")
    assert world("status").status == OK, "the one that has it goes on"
    (tmp_path / "file").write_text("")
    fails(serve(world, "--listen", "127.0.0.1:0", data=tmp_path / "file"), FAILED, "file: ", "not a directory")


def test_an_address_that_is_taken(world: World, tmp_path: Path) -> None:
    """Or is of another machine, or of none: found before there is a store."""
    done = serve(world, "--listen", world.server.address, data=tmp_path / "data")
    fails(done, FAILED, f"strandline: cannot listen on {world.server.address}: Address already in use\n")
    done = serve(world, "--listen", "192.0.2.1:0", "--insecure-bind", data=tmp_path / "data")
    fails(done, FAILED, "strandline: cannot listen on 192.0.2.1:0: Cannot assign requested address\n")
    assert not (tmp_path / "data").exists()


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
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("text", ["", "# nobody\n\n", "sha256:12\n", "good\nsha256:" + "g" * 64 + "\n"])
def test_a_token_file_that_lets_nobody_in(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "tokens.txt").write_text(text)
    done = serve(world, "--token-file", str(tmp_path / "tokens.txt"), "--listen", "127.0.0.1:0", data=tmp_path / "data")
    fails(done, USAGE, "tokens.txt: cannot be read, or holds no token")
    assert not (tmp_path / "data").exists()
