"""The `feast` package as a user has it, `online_store: {type: remote}`, beside this project's own client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feast
import pandas as pd
import pytest
from feast import errors
from feast_world import CUSTOMERS, IS_NEW, NOW, World, running_world, stats

import strandline

FEATURES = [
    "spending:count_30d", "spending:amount_sum_30d", "spending:amount_mean_30d", "spending:items",
    "latest:shop", "latest:is_gift",
]  # fmt: skip
ROWS = [{"customer_id": customer} for customer in CUSTOMERS]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("feast")) as world:
        yield world


@pytest.fixture(scope="module")
def store(world: World) -> feast.FeatureStore:
    return world.store("client")


def ours(world: World, features: str | list[str], request: list[dict[str, Any]] | None = None) -> strandline.FeatureResult:
    with strandline.connect(world.server.address) as client:
        return client.get_features(features, ROWS, request=request, event_times=True)


def seen_by_feast(values: list[Any], statuses: list[str]) -> list[Any]:
    """Clients before 0.64 give nothing but what is PRESENT."""
    return values if IS_NEW else [v if s == "PRESENT" else None for v, s in zip(values, statuses, strict=True)]


@pytest.mark.parametrize("full", [False, True])
def test_values_are_those_of_our_own_client(world: World, store: feast.FeatureStore, full: bool) -> None:
    answer = store.get_online_features(FEATURES, ROWS, full_feature_names=full).to_dict()
    wanted = ours(world, FEATURES)
    assert answer.pop("customer_id") == CUSTOMERS
    for reference in FEATURES:
        name = reference.replace(":", "__") if full else reference.partition(":")[2]
        got = answer.pop(name)
        assert got == seen_by_feast(wanted.features[reference], wanted.statuses[reference]), reference
        kinds = {type(value) for value in got if value is not None}
        assert kinds <= {type(value) for value in wanted.features[reference]}, "whole floats stay floats"
    assert not answer
    # By hand, so that two wrongs do not make a right.
    assert wanted.features["spending:count_30d"] == [2, 0, 2, 0]
    assert wanted.features["spending:amount_sum_30d"][0] == 40.0
    assert wanted.features["latest:shop"] == ['say "süd"', None, None, None]
    assert wanted.statuses["latest:shop"] == ["PRESENT", "OUTSIDE_MAX_AGE", "OUTSIDE_MAX_AGE", "NOT_FOUND"]


def test_statuses(world: World, store: feast.FeatureStore) -> None:
    answer = store.get_online_features(FEATURES, ROWS).proto
    names = list(answer.metadata.feature_names.val)
    wanted = ours(world, FEATURES)
    for reference in FEATURES:
        vector = answer.results[names.index(reference.partition(":")[2])]
        got = [feast.protos.feast.serving.ServingService_pb2.FieldStatus.Name(status) for status in vector.statuses]
        if IS_NEW:
            assert got == wanted.statuses[reference]
        else:
            assert set(got) == {"PRESENT"}, "lost by the client"


def test_a_feature_service(world: World, store: feast.FeatureStore) -> None:
    before = stats(world.server).get(("model@1", "http"), 0)
    answer = store.get_online_features(store.get_feature_service("model"), ROWS).to_df()
    wanted = ours(world, "model")
    for reference in wanted.features:
        values = seen_by_feast(wanted.features[reference], wanted.statuses[reference])
        got = [None if pd.isna(value) else value for value in answer[reference.partition(":")[2]]]
        assert got == values, reference
    # Older clients resolve the service themselves.
    assert stats(world.server).get(("model@1", "http"), 0) - before == (1 if IS_NEW else 0)


@pytest.mark.skipif(not IS_NEW, reason="an older client knows only what its own registry has")
def test_a_client_without_a_registry(world: World) -> None:
    """Lists, maps, two join keys and request values: all that Feast's words for views are not needed for."""
    store = world.store("empty", with_definitions=False)
    lists = store.get_online_features(["spending:shops", "spending:by_shop"], ROWS).to_dict()
    assert lists["shops"] == [["north", 'say "süd"'], None, ["west", "west"], None]
    wanted = ours(world, ["spending:shops", "spending:by_shop"]).features
    assert lists["shops"] == [value or None for value in wanted["spending:shops"]]
    assert lists["by_shop"][0] == wanted["spending:by_shop"][0] == {"north": 1, 'say "süd"': 1}

    cards = [{"customer_id": 1, "card_no": "b"}, {"customer_id": 1, "card_no": "z"}]
    answer = store.get_online_features(["card_spending:amount_sum_30d"], cards).to_dict()
    assert answer == {"customer_id": [1, 1], "card_no": ["b", "z"], "amount_sum_30d": [30.0, None]}

    rows = [{"customer_id": customer, "amount": amount} for customer, amount in ((1, 70.0), (1, 50.0), (4, 1.0))]
    answer = store.get_online_features(["checkout:is_unusual", "spending:count_30d"], rows).to_dict()
    assert answer == {"customer_id": [1, 1, 4], "is_unusual": [True, False, None], "count_30d": [2, 2, 0]}


@pytest.mark.skipif(IS_NEW, reason="a newer client drops the times")
def test_the_time_of_the_first_row(store: feast.FeatureStore) -> None:
    """An older client takes the first feature's time in the first row for all of a view."""
    answer = store.get_online_features(["spending:count_30d"], ROWS).to_dict(include_event_timestamps=True)
    assert set(answer["count_30d__ts"]) == {int(NOW.timestamp()) - 86_400 - 1}


@pytest.mark.skipif(not IS_NEW, reason="an older client sees names that its registry lacks itself")
@pytest.mark.parametrize(
    "features, rows, error, text",
    [
        (["nope:x"], ROWS, errors.FeatureViewNotFoundException, "no view 'nope'"),
        (["spending:count_3d"], ROWS, errors.FeastObjectNotFoundException, "did you mean 'count_30d'?"),
        (["spending"], ROWS, errors.FeastError, "'spending' is not a feature reference; write view:feature"),
        (["spending:count_30d"], [{"card_no": "a"}], errors.FeastError, "lacks the join key 'customer_id' (int64)"),
        (["spending:count_30d"], [{"customer_id": "x"}], errors.FeastError, "of row 1 is a string"),
        (["spending:count_30d"], [{"customer_id": 1, "nope": 2}], errors.FeastError, "'nope' of entities is neither"),
        (
            ["spending:amount_sum_30d", "card_spending:amount_sum_30d"], [{"customer_id": 1, "card_no": "a"}],
            errors.FeatureNameCollisionError, "ask with full_feature_names",
        ),
        (["checkout:is_unusual"], ROWS, errors.RequestDataNotFoundInEntityRowsException, "'amount' (float64)"),
    ],
)  # fmt: skip
def test_errors_are_those_of_feast(
    world: World, store: feast.FeatureStore, features: list[str], rows: list[dict], error: type, text: str
) -> None:
    with pytest.raises(error) as caught:
        store.get_online_features(features, rows)
    assert text in str(caught.value) and type(caught.value) is error


def test_writing_is_refused(store: feast.FeatureStore) -> None:
    """With a reason, and at once: what is repeated would take seconds."""
    frame = pd.DataFrame({"customer_id": [1], "at": [NOW], **{name: [1] for name in ("count_30d", "items")}})
    frame["amount_sum_30d"] = frame["amount_mean_30d"] = 1.0
    with pytest.raises(Exception, match="nothing is written over HTTP"):
        store.write_to_online_store("spending", frame)


def test_a_composite_key_that_an_older_client_cuts(world: World, tmp_path: Path) -> None:
    """What clients before 0.64 send for two join keys, by hand: refused with the reason, never guessed."""
    import requests

    body = {"features": ["card_spending:amount_sum_30d"], "entities": {"customer_id": [1]}}
    answer = requests.post(f"http://{world.server.http}/get-online-features", json=body, timeout=10)
    assert answer.status_code == 422
    assert "lacks the join key 'card_no' (string)" in answer.json() and "before 0.64" in answer.json()
