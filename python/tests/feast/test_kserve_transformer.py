"""The call of KServe's Feast transformer, and its walk through the answer, without KServe."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest
from feast_world import World, running_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("kserve")) as world:
        yield world


@pytest.mark.parametrize("path", ["/get-online-features", "/get-online-features/"])
def test_the_transformers_call(world: World, path: str) -> None:
    features, ids = ["spending:count_30d", "spending:amount_sum_30d"], [1, 2, 3]
    body = {"features": features, "entities": {"customer_id": ids}, "full_feature_names": True}
    connection = http.client.HTTPConnection(world.server.http, timeout=10)
    headers = {"Content-type": "application/json", "Accept": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()

    # Columns are found by name, and values by the row's number; statuses and times are not looked at.
    names = answer["metadata"]["feature_names"]
    columns = [names.index(reference.replace(":", "__")) for reference in features]
    vectors = [[answer["results"][column]["values"][row] for column in columns] for row in range(len(ids))]
    assert vectors == [[2, 40.0], [0, None], [2, pytest.approx(0.3, rel=1e-15)]]
    assert answer["results"][names.index("customer_id")]["values"] == ids
