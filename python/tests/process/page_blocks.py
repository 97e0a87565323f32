"""The blocks of the pages, by page, section and number."""

from __future__ import annotations

from pages import Key

README, OPERATIONS, ADMIN, DEFINITIONS = "README.md", "docs/operations.md", "docs/admin.md", "docs/definitions.md"
HTTP = "docs/http.md"
ADDRESS = "127.0.0.1:6567"  # as the pages write it; a server of somebody's may be there, so ours is elsewhere

OWN_TOPIC = [Key(README, "Your own topic", number) for number in range(1, 8)]
BUILD, DEFINE, SERVE, ASK, CHANGE, NO_KAFKA, NO_KAFKA_OUTPUT = OWN_TOPIC
FROM_PYTHON = Key(README, "From Python", 2)
PYTHON_README = Key("python/README.md", "strandline", 1)
PYTHON_CLIENT = "docs/python-client.md"
PYTHON_CLIENT_BLOCKS = [
    Key(PYTHON_CLIENT, section, 1)
    for section in ("Connect", "Look up", "Entities", "Results", "Rows that have their own time", "asyncio", "Errors")
]
TRAINING_SETS = "docs/training-sets.md"
TRAIN, TRAINED = (Key(TRAINING_SETS, "Build", number) for number in (1, 2))
EXPORT_PAGE = "docs/export.md"
EXPORT, EXPORTED = (Key(EXPORT_PAGE, "Write", number) for number in (1, 2))
EXPORT_QUERY = Key(EXPORT_PAGE, "What is in it", 1)
VERIFY, VERIFIED = (Key(TRAINING_SETS, "Verify", number) for number in (1, 2))
TRAIN_FROM_PYTHON, VERIFY_FROM_PYTHON = (Key(TRAINING_SETS, "From Python", number) for number in (1, 2))
START, PRINTED = (Key(OPERATIONS, "Start and stop", number) for number in (1, 2))
TOKENS = Key(OPERATIONS, "Who may enter", 1)
WATCH = Key(OPERATIONS, "Dead letters", 1)
DEV_BROKER = Key(OPERATIONS, "The development broker", 1)
STATUS = Key(ADMIN, "status", 1)
DESCRIBE = Key(ADMIN, "describe", 1)
PLAN, PLAN_REPLY = (Key(ADMIN, "plan` and `apply", number) for number in (1, 2))
DEAD_LETTERS, DEAD_LETTERS_REPLY = (Key(ADMIN, "dead_letters", number) for number in (1, 2))
STATS = Key(ADMIN, "stats", 1)
SNAPSHOT, SNAPSHOT_REPLY = (Key(ADMIN, "snapshot", number) for number in (1, 2))
CURLS = [Key(README, "From a model server that speaks Feast", 1), Key(HTTP, "Features", 1)]
ANSWER = Key(HTTP, "Features", 2)
STATS_VERB, STATS_TABLE = (Key(HTTP, "Metrics", number) for number in (1, 2))
ADMIN_BLOCKS = [STATUS, STATS, DESCRIBE, PLAN, PLAN_REPLY, DEAD_LETTERS, DEAD_LETTERS_REPLY, SNAPSHOT, SNAPSHOT_REPLY]
YAML = [
    Key(DEFINITIONS, section, 1)
    for section in (
        "feature_store.yaml", "entities", "sources", "feature_views", "attribute_views", "on_demand_feature_views",
        "feature_services",
    )
]
MORE_VIEWS = Key(DEFINITIONS, "feature_views", 2)
CHANGES = "docs/changes.md"
KEYED, PRODUCE_KEYED = (Key(CHANGES, "Records without a value", number) for number in (1, 2))
DEBEZIUM = Key(CHANGES, "Debezium", 1)
VIEWS_BY_CATEGORY = Key(DEFINITIONS, "group_by", 1)
EVALUATE, EVALUATED = (Key("docs/expressions.md", "Expressions", number) for number in (2, 3))

# Blocks that are not run: a word that the block must still contain for the reason to hold, and the reason.
LISTED: dict[Key, tuple[str, str]] = {
    Key(README, "Two commands", 1): ("make demo", "make targets: one runs these tests, the other fetches CDNOW's data"),
    BUILD: ("make build", "a make target; it makes the binary that runs here, in a folder of the project"),
    Key(PYTHON_CLIENT, "The Python client", 1): ("pip install", "test_package.py installs the wheel where nothing else is"),
    Key(README, "From Python", 1): ("pip install", "fetches setuptools; the next block runs with ./python on its path"),
    Key("CONTRIBUTING.md", "Build and test", 1): ("make lint", "make targets, of which one runs these tests"),
    Key(HTTP, "HTTP: Feast's contract, health and metrics", 1): ("http_listen", "a key that SettingsTests reads"),
    Key(HTTP, "With Feast", 1): ("type: remote", "python/tests/feast writes such a file, and needs Feast for it"),
    Key("docs/parity.md", "Parity", 1): ("make parity", "a make target that takes minutes; tests/parity runs a slice of it"),
    Key("docs/parity.md", "On a live store", 1): ("strandline parity", "test_parity_command.py runs it beside a server"),
    **{
        Key(ADMIN, section, number): ('"', "test_parity_command.py and HistoryMessageTests ask these")
        for section in ("sample_entities", "entity_history")
        for number in (1, 2)
    },
    Key("docs/expressions.md", "Expressions", 1): ("filter:", "two lines of a view; the views of docs/definitions.md are run"),
    Key(OPERATIONS, "TLS", 1): ("openssl req", "test_connections.py types it and serves with what it makes"),
    Key("docker/README.md", "Strandline in a container", 1): ("docker build", "needs docker, and packages to build"),
}
RUN: set[Key] = set()
