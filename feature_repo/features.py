"""The definitions of features.ts, for Feast itself: `feast apply` in this folder.

A test applies both and holds them equal, object by object.
"""

import hashlib
import json
import os
import struct
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, String

HERE = Path(__file__).resolve().parent
CONTRACT = os.environ.get(
    "CONTRACT_FILE", HERE.parent / "config" / "contracts" / "observation-15d.v1.json"
)
definition = json.loads(Path(CONTRACT).read_text())["definition"]


def canonical(value) -> str:
    """RFC 8785, but for numbers, which are the 16 hex digits of their float64."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{text(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return text(value)
    return struct.pack(">d", value or 0.0).hex()


def text(value) -> str:
    return json.dumps(value, ensure_ascii=False)


# Tells readers which definition rows were computed under.
tags = {"definition_hash": hashlib.sha256(canonical(definition).encode()).hexdigest()}

symbol = Entity(name="symbol", join_keys=["symbol"], value_type=ValueType.STRING)


def history(view: str) -> FileSource:
    """Where the materializer seals a view's rows, one file a session or month."""
    return FileSource(
        name=f"{view}_history",
        path=f"../.usdcop/offline/{view}",
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    )


def schema(view: str) -> list[Field]:
    """Training and serving rows must be equal to the bit, hence Float64 throughout."""
    features = [f["name"] for f in definition["features"] if f["view"] == view]
    return [Field(name="symbol", dtype=String), *(Field(name=f, dtype=Float64) for f in features)]


technical_features = FeatureView(
    name="technical_features",
    entities=[symbol],
    ttl=timedelta(minutes=30),
    schema=schema("technical_features"),
    source=history("technical_features"),
    tags=tags,
)

macro_features = FeatureView(
    name="macro_features",
    entities=[symbol],
    ttl=timedelta(hours=24),
    schema=schema("macro_features"),
    source=history("macro_features"),
    tags=tags,
)

# What the gateway pushes after each decision; its event time is the bar's close.
state_push = PushSource(name="state_push", batch_source=history("state_features"))

state_features = FeatureView(
    name="state_features",
    entities=[symbol],
    ttl=timedelta(minutes=30),
    schema=schema("state_features"),
    source=state_push,
    tags=tags,
)

observation_15d = FeatureService(
    name="observation_15d",
    features=[technical_features, macro_features, state_features],
    tags=tags,
)
