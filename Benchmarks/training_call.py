"""Our Python client's training set for the training-set benchmark (feast_historical.sh), as a notebook calls it.

    training_call.py --address HOST:PORT --service NAME --labels FILE --out FILE     prints warm_seconds=

From the labels' file to the result's, by the second call of the process.
"""

from __future__ import annotations

import argparse
import time

import strandline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("address", "service", "labels", "out"):
        parser.add_argument(f"--{name}", required=True)
    asked = parser.parse_args()
    with strandline.connect(asked.address) as store:
        for _ in range(2):
            begun = time.monotonic()
            store.training_set(asked.labels, asked.service, boundary="inclusive").to_parquet(asked.out)
            seconds = time.monotonic() - begun
    print(f"warm_seconds={seconds:.3f}")


if __name__ == "__main__":
    main()
