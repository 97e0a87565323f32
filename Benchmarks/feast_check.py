"""Asks a Feast feature server for random entities, and a Strandline server for the same as of the T of Feast's values: every
value must be the same. `feast_fill.py` has filled the one from the other.

    .venv-feast-0.67.0/bin/python Benchmarks/feast_check.py --feast 127.0.0.1:6566 --strandline 127.0.0.1:6567 --as-of T
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import urllib.request
from typing import Any

import strandline

JOIN_KEY = "user_id"
#: Entities of one request.
ROWS = 100


def ask_feast(address: str, features: list[str], keys: list[int]) -> dict[str, list[Any]]:
    body = json.dumps({"features": features, "entities": {JOIN_KEY: keys}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/get-online-features", body, headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        answer = json.load(reply)
    columns = [each["values"] for each in answer["results"]]
    return dict(zip(answer["metadata"]["feature_names"], columns, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--feast", required=True, help="host:port of Feast's server")
    parser.add_argument("--strandline", required=True, help="host:port of the Strandline server")
    parser.add_argument("--as-of", required=True, help="the T that feast_fill.py printed")
    parser.add_argument("--service", default="ten", help="of the Strandline server; Feast is asked for its features")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()

    generator = random.Random(arguments.seed)
    values = mismatches = 0
    with strandline.connect(arguments.strandline) as client:
        for _ in range(arguments.requests):
            keys = [generator.randrange(arguments.keys) for _ in range(ROWS)]
            ours = client.get_features(arguments.service, {JOIN_KEY: keys}, as_of=arguments.as_of)
            theirs = ask_feast(arguments.feast, list(ours.features), keys)
            if theirs.keys() != {JOIN_KEY} | {reference.split(":")[1] for reference in ours.features}:
                sys.exit(f"Feast answers other columns: {sorted(theirs)}")
            for reference, column in {JOIN_KEY: keys, **ours.features}.items():
                for key, own, their in zip(keys, column, theirs[reference.split(":")[-1]], strict=True):
                    values += own is not None and reference != JOIN_KEY
                    if own != their:
                        mismatches += 1
                        print(f"entity {key}, {reference}: Feast has {their!r}, we have {own!r}", file=sys.stderr)
    print(f"feast_values={values} feast_mismatches={mismatches} seed={arguments.seed}")
    if mismatches or not values:
        sys.exit("Feast's values are not those of the Strandline server")


if __name__ == "__main__":
    main()
