"""Client of the Strandline feature store. For asyncio see `strandline.aio`.

Example::

    import strandline

    with strandline.connect("127.0.0.1:6567") as store:
        result = store.get_features("fraud", {"customer_id": 42})
        print(result.to_dict())
"""

from .client import Client, connect
from .errors import (
    BadEntityKey,
    BadRequest,
    ChecksumMismatch,
    ConnectionLost,
    DeadlineExceeded,
    DefinitionsChanged,
    FrameTooLarge,
    InternalError,
    InvalidArgument,
    MalformedFrame,
    MissingExtra,
    NotGreeted,
    NotReady,
    Overloaded,
    ProtocolError,
    RequestError,
    RequestTimedOut,
    StoreFailed,
    StrandlineError,
    TooMany,
    Unauthenticated,
    UnknownFeature,
    UnknownLookup,
    UnknownMessage,
    UnknownService,
    Unsupported,
    VersionUnsupported,
)
from .feature_types import FeatureType, Status, ValueType
from .leakage import FeatureLeakage, LeakageReport
from .results import FeatureResult
from .times import Time
from .training_set import TrainingSet

__version__ = "0.1.0"

__all__ = [
    "BadEntityKey",
    "BadRequest",
    "ChecksumMismatch",
    "Client",
    "ConnectionLost",
    "DeadlineExceeded",
    "DefinitionsChanged",
    "FeatureLeakage",
    "FeatureResult",
    "FeatureType",
    "FrameTooLarge",
    "InternalError",
    "InvalidArgument",
    "LeakageReport",
    "MalformedFrame",
    "MissingExtra",
    "NotGreeted",
    "NotReady",
    "Overloaded",
    "ProtocolError",
    "RequestError",
    "RequestTimedOut",
    "Status",
    "StoreFailed",
    "StrandlineError",
    "Time",
    "TooMany",
    "TrainingSet",
    "Unauthenticated",
    "UnknownFeature",
    "UnknownLookup",
    "UnknownMessage",
    "UnknownService",
    "Unsupported",
    "ValueType",
    "VersionUnsupported",
    "connect",
]
