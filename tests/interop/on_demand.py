"""A Feast repository with on-demand views in Python: on_demand.py FOLDER REDIS TRANSFORMATIONS."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RequestSource, ValueType
from feast import types as t
from feast.on_demand_feature_view import on_demand_feature_view

folder, redis, transformations = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(folder / "feature_store.yaml").write_text(
    f"project: computed\nprovider: local\nregistry: registry.db\noffline_store: {{type: dask}}\n"
    f"online_store: {{type: redis, connection_string: '{redis}'}}\n"
    f"feature_server: {{type: local, enabled: true, transformation_service_endpoint: '{transformations}'}}\n"
    "entity_key_serialization_version: 3\n"
)
TYPES = {
    "rate": t.Float64,
    "small": t.Float32,
    "trips": t.Int64,
    "grade": t.Int32,
    "active": t.Bool,
    "note": t.String,
    "raw": t.Bytes,
    "seen": t.UnixTimestamp,
    "scores": t.Array(t.Float64),
    "ids": t.Array(t.Int64),
    "words": t.Array(t.String),
}
at = datetime(2026, 1, 1, tzinfo=timezone.utc)
rows = pd.DataFrame(
    {
        "driver": [1, 2],
        "event_timestamp": [at, at],
        "rate": [0.1, 0.7],
        "small": [0.1, 0.7],
        "trips": [2**53 + 1, 7],
        "grade": [-3, 4],
        "active": [True, False],
        "note": ["ñandú", "b"],
        "raw": [b"\x00\xff", b"x"],
        "seen": [at, at + timedelta(seconds=9)],
        "scores": [[0.5, 1.0], [2.5]],
        "ids": [[1, 2**53 + 1], [3]],
        "words": [["a", "ñ"], ["c"]],
    }
)
rows.to_parquet(folder / "rows.parquet")
driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
source = FileSource(name="rows", path="rows.parquet", timestamp_field="event_timestamp")
stats = FeatureView(
    name="stats",
    entities=[driver],
    schema=[Field(name=name, dtype=dtype) for name, dtype in TYPES.items()],
    source=source,
    ttl=timedelta(0),
)
asked = RequestSource(
    name="asked",
    schema=[Field(name="factor", dtype=t.Float64), Field(name="bonus", dtype=t.Int64)],
)


@on_demand_feature_view(
    sources=[stats, asked],
    schema=[Field(name=f"{name}_out", dtype=dtype) for name, dtype in TYPES.items()]
    + [Field(name="nothing_out", dtype=t.Float64), Field(name="cut_out", dtype=t.Int64)],
    mode="pandas",
)
def by_pandas(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["rate_out"] = inputs["rate"] * inputs["factor"]
    out["small_out"] = (inputs["small"] * 3).astype("float32")
    out["trips_out"] = inputs["trips"] + inputs["bonus"]
    out["grade_out"] = (inputs["grade"] * 2).astype("int32")
    out["active_out"] = inputs["active"] == False
    out["note_out"] = inputs["note"].str.upper()
    out["raw_out"] = inputs["raw"]
    out["seen_out"] = inputs["seen"]
    out["scores_out"] = inputs["scores"]
    out["ids_out"] = inputs["ids"]
    out["words_out"] = inputs["words"]
    out["nothing_out"] = inputs["rate"].where(inputs["rate"] > 1000.0)
    out["cut_out"] = (inputs["rate"] * 10.0).astype("int64")
    return out


@on_demand_feature_view(
    sources=[stats, asked],
    schema=[Field(name="sum_out", dtype=t.Float64), Field(name="trips_out", dtype=t.Int64)],
    mode="pandas",
)
def with_gaps(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["sum_out"] = inputs["rate"] + inputs["factor"] + inputs["stats__rate"]
    out["trips_out"] = inputs["trips"]
    return out


@on_demand_feature_view(
    sources=[stats], schema=[Field(name="twice", dtype=t.Float64)], mode="python"
)
def by_python(inputs: dict) -> dict:
    return {"twice": [2 * rate for rate in inputs["rate"]]}


@on_demand_feature_view(
    sources=[asked], schema=[Field(name="never", dtype=t.Float64)], mode="pandas"
)
def failing(inputs: pd.DataFrame) -> pd.DataFrame:
    if (inputs["factor"] < 0).any():
        raise ValueError("an inner matter")
    out = pd.DataFrame()
    out["never"] = inputs["factor"]
    return out


@on_demand_feature_view(
    entities=[driver],
    sources=[stats, asked],
    schema=[
        Field(name="scaled", dtype=t.Float64),
        Field(name="whole", dtype=t.Int32),
        Field(name="note", dtype=t.String),
        Field(name="scores", dtype=t.Array(t.Float64)),
        Field(name="nothing", dtype=t.Float64),
    ],
    mode="pandas",
    write_to_online_store=True,
)
def kept(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["scaled"] = inputs["small"] * inputs["factor"]
    out["whole"] = (inputs["trips"] + inputs["bonus"]).astype("int32")
    out["note"] = inputs["note"].str.upper()
    out["scores"] = inputs["scores"]
    out["nothing"] = inputs["small"].where(inputs["small"] > 1000.0)
    return out


@on_demand_feature_view(
    entities=[driver],
    sources=[stats],
    schema=[Field(name="twice", dtype=t.Float64)],
    mode="python",
    write_to_online_store=True,
)
def kept_by_python(inputs: dict) -> dict:
    return {"twice": [2 * rate for rate in inputs["rate"]]}


store = FeatureStore(repo_path=str(folder))
views = [stats, by_pandas, with_gaps, by_python, failing, kept, kept_by_python]
store.apply([driver, source, *views])
store.materialize(at - timedelta(days=1), at + timedelta(days=1), feature_views=["stats"])
