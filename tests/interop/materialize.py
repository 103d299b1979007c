"""Feast materializes a Parquet file into Redis: materialize.py FOLDER REDIS PROJECT."""

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast import types as t

folder, redis, project = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

ROWS = 5_000
UTC = timezone.utc
START = datetime(2026, 1, 1, tzinfo=UTC)
index = list(range(ROWS))
drop = lambda values, each: [None if i % each == 0 else v for i, v in enumerate(values)]

# Up to the 3,000th row two at a time are of one entity and one instant, and the later made is newer.
# The last rows have instants of their own: Feast has no order for equal ones without an entity.
moment = [i // 2 if i < 3_000 else i - 1_500 for i in index]
table = pa.table(
    {
        "driver": pa.array([m * 7 % 900 for m in moment], pa.int64()),
        "city": pa.array([f"ciudad-{m % 3}" for m in moment]),
        "happened": pa.array(
            [START + timedelta(minutes=m * 7, microseconds=m) for m in moment],
            pa.timestamp("us"),
        ),
        "made": pa.array([START + timedelta(hours=i) for i in index], pa.timestamp("us", "UTC")),
        "rate": pa.array(drop([i / 3 for i in index], 5), pa.float64()),
        "small": pa.array([i / 7 for i in index], pa.float32()),
        "trips": pa.array([2**53 + i for i in index], pa.int64()),
        "grade": pa.array([i % 100 - 50 for i in index], pa.int32()),
        "active": pa.array([i % 2 == 0 for i in index]),
        "note": pa.array(drop([f"nota ñ {i}" for i in index], 4)),
        "raw": pa.array([bytes([i % 256, 0]) for i in index]),
        "seen": pa.array([START - timedelta(seconds=i) for i in index], pa.timestamp("us", "UTC")),
        "scores": pa.array([[i / 9, 1.0] for i in index], pa.list_(pa.float64())),
        "ids": pa.array([[i, -i] for i in index], pa.list_(pa.int64())),
        "words": pa.array([["a", f"b{i}"] for i in index], pa.list_(pa.string())),
    }
)
pq.write_table(table, folder / "history.parquet")

(folder / "feature_store.yaml").write_text(
    f"project: {project}\nprovider: local\nregistry: {folder}/registry.db\n"
    f"offline_store: {{type: dask}}\nonline_store: {{type: redis, connection_string: '{redis}'}}\n"
    "entity_key_serialization_version: 3\n"
)
source = FileSource(
    name="history",
    path="history.parquet",
    timestamp_field="happened",
    created_timestamp_column="made",
    field_mapping={"rate": "conv_rate"},
)
schema = [
    Field(name=name, dtype=dtype)
    for name, dtype in {
        "conv_rate": t.Float64,
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
    }.items()
]
driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
city = Entity(name="city", join_keys=["city"], value_type=ValueType.STRING)
store = FeatureStore(repo_path=str(folder))
views = [
    FeatureView(name="one", entities=[driver], schema=schema, source=source, ttl=timedelta(0)),
    FeatureView(name="two", entities=[driver, city], schema=schema, source=source, ttl=timedelta(0)),
    FeatureView(name="none", entities=[], schema=schema, source=source, ttl=timedelta(0)),
]
store.apply([driver, city, *views])
store.materialize(START + timedelta(days=1), START + timedelta(days=9))
