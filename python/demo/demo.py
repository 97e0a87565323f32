"""A guided tour of Strandline on real purchases: serve, send, look up, train, and check every figure by hand.

    make demo        or        .venv/bin/python python/demo/demo.py

The purchases are those of CDNOW, an online shop for CDs: 69 659 orders of 23 570 customers, January 1997 to June 1998.
Everything that is written goes to .demo/ and stays there to be looked at; a server is started for the tour and stopped
at its end, however it ends.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python" / "src"))

import strandline  # noqa: E402  (the client package of this checkout, installed or not)

from recompute import DAY, FEATURES, Cell, Purchase, by_customer, read_purchases, recompute  # noqa: E402
from terminal import bad, command, good, heading, output, say, table  # noqa: E402

BINARY = Path(os.environ.get("STRANDLINE_BINARY", ROOT / ".build" / "release" / "strandline"))
PURCHASES = ROOT / ".deps" / "cdnow" / "CDNOW_master.txt"
FOLDER = ROOT / ".demo"

SERVICE = "repeat_purchase"
VIEW = "customer_purchases"
EVENTS = 69_659
SEED = 19_970_101
LOOKUPS = 600
TRAINING_ROWS = 400
# A customer with a history worth looking at: 29 orders, twice on 1997-05-11.
CUSTOMER = 95
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The last month of which the 30 days that the label asks about are in the data.
LAST_MONTH = datetime(1998, 6, 1, tzinfo=timezone.utc)


class DemoFailed(Exception):
    """The tour cannot go on; the message says why and what to do."""


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def iso(moment: int) -> str:
    text = (EPOCH + timedelta(microseconds=moment)).isoformat()
    return text.replace("+00:00", "Z")


# The server


@dataclass
class Server:
    address: str
    bootstrap: str


@contextmanager
def running_server() -> Iterator[Server]:
    """A server with a broker of its own; stopped by its process id when the block ends, for whatever reason."""
    arguments = ["serve", "--repo", "feature_repo", "--data-dir", str(FOLDER / "data")]
    arguments += ["--listen", "127.0.0.1:0", "--http-listen", "off", "--embedded-broker"]
    command([*arguments[:4], ".demo/data", *arguments[5:]])
    with (FOLDER / "server.log").open("wb") as log:
        process = subprocess.Popen([BINARY, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            addresses = read_addresses(process)
            yield Server(addresses["listening on "], addresses["kafka bootstrap="])
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def read_addresses(process: subprocess.Popen[str]) -> dict[str, str]:
    """Reads what `serve` prints first: where its broker is, and where it listens."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout is not None
    threading.Thread(target=forward_lines, args=(process.stdout, lines), daemon=True).start()
    wanted = {"kafka bootstrap=": "", "listening on ": ""}
    deadline = time.monotonic() + 20
    while not all(wanted.values()):
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise DemoFailed("the server said nothing for 20 s; see .demo/server.log") from None
        if not line:
            log = (FOLDER / "server.log").read_text(errors="replace")
            raise DemoFailed(f"the server ended with status {process.wait()}:\n{log[-2000:]}")
        output(line)
        for beginning in wanted:
            if line.startswith(beginning):
                wanted[beginning] = line.removeprefix(beginning).strip()
    return wanted


def forward_lines(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def run(arguments: list[str], address: str | None = None) -> str:
    """Runs a verb, showing it as one would type it; its progress goes to the terminal, its output is given back."""
    command(arguments)
    environment = {**os.environ, **({"STRANDLINE_ADDRESS": address} if address else {})}
    done = subprocess.run(
        [BINARY, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise DemoFailed(f"strandline {arguments[0]} ended with status {done.returncode}\n{done.stdout}")
    return done.stdout


# The steps


def send_purchases(rows: list[tuple[int, Purchase]], server: Server) -> None:
    with (FOLDER / "purchases.jsonl").open("w", encoding="ascii") as file:
        for customer, purchase in rows:
            event = {"customer_id": customer, "purchased_at": iso(purchase.time)}
            event |= {"quantity": purchase.quantity, "amount": purchase.amount}
            file.write(json.dumps(event) + "\n")
    began = time.monotonic()
    arguments = ["produce", "--bootstrap", server.bootstrap, "--topic", "purchases", "--key", "customer_id"]
    output(run([*arguments, ".demo/purchases.jsonl"]))
    with strandline.connect(server.address) as client:
        deadline = time.monotonic() + 30
        while True:
            ingest = client.status()["ingest"]
            if ingest["events"] + ingest["dead_letters"] >= len(rows):
                break
            if time.monotonic() > deadline:
                raise DemoFailed(f"after 30 s {ingest['events']} of {len(rows)} events are in: {ingest}")
            time.sleep(0.02)
    if ingest["events"] != len(rows):
        raise DemoFailed(f"{ingest['events']} events are in, not {len(rows)}: {ingest}")
    say(f"  {good('all in')}: {ingest['events']} events, durable and visible, {time.monotonic() - began:.1f} s after the first")


def look_up(server: Server) -> None:
    get = ["get", f"customer_id={CUSTOMER}", "--service", SERVICE]
    output(run([*get, "--as-of", "1998-06-30"], server.address))
    output(run([*get, "--as-of", "1997-12-31"], server.address))
    output(run([*get, "--as-of", "1997-05-11"], server.address))
    say()
    say("  On 1997-05-11 this customer ordered twice. Neither order counts: a window ends just before the moment asked for,")
    say("  so a model never sees the purchase that it is to predict.")
    output(run(get, server.address))
    say()
    say("  Without --as-of it is now, and the newest purchase is of June 1998: every window is empty except `lifetime`.")


def write_labels(customers: dict[int, list[Purchase]]) -> tuple[int, int]:
    """One row per customer and month after the first purchase: does the customer buy again within 30 days?"""
    months = []
    moment = datetime(1997, 2, 1, tzinfo=timezone.utc)
    while moment <= LAST_MONTH:
        months.append((microseconds(moment), moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
        moment = (moment + timedelta(days=31)).replace(day=1)
    rows = positives = 0
    with (FOLDER / "labels.csv").open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "event_timestamp", "buys_again"])
        for customer, purchases in customers.items():
            for month, text in months:
                if month <= purchases[0].time:
                    continue
                label = int(any(month <= purchase.time < month + 30 * DAY for purchase in purchases))
                writer.writerow([customer, text, label])
                rows += 1
                positives += label
    return rows, positives


def build_training_set(customers: dict[int, list[Purchase]], server: Server) -> list[dict[str, str]]:
    rows, positives = write_labels(customers)
    say(f"  .demo/labels.csv: {rows} rows, one per customer and month; {positives / rows:.1%} buy again within 30 days.")
    build = ["training-set", "--labels", ".demo/labels.csv", "--service", SERVICE, "--out"]
    began = time.monotonic()
    said = run([*build, ".demo/train.parquet"], server.address).strip()
    output(said)
    say(f"  {rows * len(FEATURES)} cells in {time.monotonic() - began:.1f} s, each as of its own row's moment.")
    # The same known_at, so that both files are of one commit, whatever has arrived in between.
    known_at = said.split("known_at=")[1].split()[0]
    output(run([*build, ".demo/train.csv", "--known-at", known_at], server.address).strip())
    with (FOLDER / "train.csv").open(newline="", encoding="utf-8") as file:
        training = list(csv.DictReader(file))
    if len(training) != rows:
        raise DemoFailed(f"train.csv has {len(training)} rows, not {rows}")
    shown = ["customer_id", "event_timestamp", "buys_again", "count_30d", "count_90d", "amount_sum_90d"]
    shown += ["amount_mean_90d", "latest_amount"]
    say()
    table(shown, [[row[name] or "-" for name in shown] for row in training[:6]])
    say()
    say("  What they are good for: how often the label is true,")
    for title, low, high in [("no order in 90 days", 0, 0), ("1 order", 1, 1), ("2 or 3", 2, 3), ("4 and more", 4, 999)]:
        labels = [row["buys_again"] == "1" for row in training if low <= int(row["count_90d"]) <= high]
        if labels:
            say(f"    {title:20} {sum(labels) / len(labels):6.1%}  of {len(labels)} rows")
    return training


# The check


class Comparison:
    """Counts cells, and keeps the first that differ."""

    def __init__(self) -> None:
        self.compared = 0
        self.nonempty = 0
        self.differences: list[str] = []

    def add(self, where: str, expected: Cell, value: object, status: str | None) -> None:
        self.compared += 1
        self.nonempty += expected.purchases > 0
        # repr tells 1 from 1.0 and 0.0 from -0.0; equal texts of doubles are equal bits.
        if repr(value) != repr(expected.value) or (status is not None and status != expected.status):
            self.differences.append(f"{where}: got {value!r} {status or ''}, by hand {expected.value!r} {expected.status}")


def random_instants(
    rows: list[tuple[int, Purchase]], customers: dict[int, list[Purchase]], generator: random.Random
) -> list[tuple[int, int]]:
    """(customer, moment): purchases, window ends, one microsecond before and after both, and moments in between."""
    pairs = []
    for _ in range(LOOKUPS):
        customer, _ = generator.choice(rows)
        base = generator.choice(customers[customer]).time
        shift = generator.choice([0, 0, 0, 30 * DAY, 60 * DAY, 90 * DAY, generator.randrange(45 * DAY)])
        pairs.append((customer, base + shift + generator.choice([-1, 0, 1, 1])))
    return pairs


def compare(
    rows: list[tuple[int, Purchase]], customers: dict[int, list[Purchase]], training: list[dict[str, str]], server: Server
) -> Comparison:
    result = Comparison()
    generator = random.Random(SEED)
    pairs = random_instants(rows, customers, generator)
    with strandline.connect(server.address) as client:
        historical = client.get_historical_rows(
            SERVICE, {"customer_id": [customer for customer, _ in pairs]}, [at for _, at in pairs]
        )
        for row, (customer, at) in enumerate(pairs):
            found = client.get_features(SERVICE, {"customer_id": customer}, as_of=at)
            for name, feature in FEATURES.items():
                reference = f"{VIEW}:{name}"
                expected = recompute(feature, customers[customer], at)
                where = f"customer {customer} at {iso(at)} {name}"
                result.add(f"lookup {where}", expected, found.features[reference][0], found.statuses[reference][0])
                again = (historical.features[reference][row], historical.statuses[reference][row])
                result.add(f"historical row {where}", expected, *again)
    for row in generator.sample(training, min(TRAINING_ROWS, len(training))):
        customer, at = int(row["customer_id"]), microseconds(datetime.fromisoformat(row["event_timestamp"]))
        for name, feature in FEATURES.items():
            expected = recompute(feature, customers[customer], at)
            is_whole = feature.function == "count" or feature.column == "quantity"
            value = None if row[name] == "" else int(row[name]) if is_whole else float(row[name])
            result.add(f"training row of customer {customer} at {iso(at)} {name}", expected, value, None)
    return result


def show_next_steps() -> None:
    for text, what in [
        ("make serve", "a server that stays up, with its own broker"),
        (".build/release/strandline features", "what can be asked of it"),
        (".build/release/strandline status", "lag, commits, dead letters"),
        ("$EDITOR feature_repo/feature_views.yaml", "change or add a feature, then:"),
        (".build/release/strandline plan", "what an apply would change"),
        (".build/release/strandline apply", "and it is answered, without a restart"),
    ]:
        say(f"  {text:40} {what}")
    say("  The tour's files are in .demo/: labels.csv, train.csv, train.parquet, purchases.jsonl, server.log.")


def tour() -> Comparison:
    say("Strandline on 69 659 real purchases of CDs (CDNOW, January 1997 to June 1998)")
    for path, remedy in [(BINARY, "make build"), (PURCHASES, "make setup-demo")]:
        if not path.exists():
            raise DemoFailed(f"{path} is missing; run: {remedy}")
    with fresh_folder():
        heading(1, "A server, with a broker of its own")
        with running_server() as server:
            heading(2, "The purchases, as events")
            rows = read_purchases(PURCHASES)
            if len(rows) != EVENTS:
                raise DemoFailed(f"{PURCHASES} holds {len(rows)} purchases, not {EVENTS}; remove it, then make setup-demo")
            customers = by_customer(rows)
            send_purchases(rows, server)
            heading(3, f"Customer {CUSTOMER}, at four moments")
            look_up(server)
            heading(4, "A training set: who buys again within 30 days?")
            build_result = build_training_set(customers, server)
            heading(5, "The same figures, by hand")
            say("  Lookups, historical rows and training rows against plain Python over the raw file (math.fsum, whole")
            say(f"  microseconds), to the last bit, at random moments, purchases and window ends give or take 1 us; seed {SEED}.")
            result = compare(rows, customers, build_result, server)
            verdict = bad(f"{len(result.differences)} differ") if result.differences else good("all equal")
            share = result.nonempty / result.compared
            say(f"  {result.compared} cells, {share:.0%} of them over windows that are not empty: {verdict}")
    heading(6, "What next")
    show_next_steps()
    return result


@contextmanager
def fresh_folder() -> Iterator[None]:
    """.demo/, empty but for a lock: two tours at once would write into one another's files."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(f"another demo is running in {FOLDER}") from None
        for path in FOLDER.iterdir():
            if path.name == ".lock":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        yield


def stop_on_signal(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, stop_on_signal)
    signal.signal(signal.SIGHUP, stop_on_signal)
    try:
        result = tour()
    except KeyboardInterrupt:
        say("\nstopped; the server is down")
        return 130
    except (DemoFailed, strandline.StrandlineError, subprocess.TimeoutExpired) as error:
        sys.stdout.flush()
        print(f"demo=failed {error}", file=sys.stderr)
        return 1
    say()
    for difference in result.differences[:20]:
        say(f"  {difference}")
    is_ok = not result.differences and result.compared >= 5000 and result.nonempty * 2 >= result.compared
    say(
        f"demo={'ok' if is_ok else 'failed'} events={EVENTS} compared={result.compared} "
        f"mismatches={len(result.differences)} nonempty={result.nonempty}"
    )
    return 0 if is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
