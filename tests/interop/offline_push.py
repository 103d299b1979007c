"""Feast on the sources that we append to: offline_push.py make|push|read FOLDER."""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast import types as t
from feast.data_source import PushMode

verb, folder = sys.argv[1], Path(sys.argv[2])
VIEWS = ["single", "many"]


def rows(view: str, driver: int, hour: int) -> pd.DataFrame:
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(hours=hour)
    frame = pd.DataFrame(
        {
            "driver": [driver],
            "happened": [at],
            "made": [at],
            "rate": [driver / 4],
            "trips": [2**53 + driver],
            "note": [f"nota ñ {driver}"],
            "words": [["a", str(driver)]],
        }
    )
    return frame if view == "many" else frame.drop(columns="words")


def make() -> None:
    for view in VIEWS:
        path = folder / (view if view == "many" else f"{view}.parquet")
        if view == "many":
            path.mkdir()
            path /= "part-0.parquet"
        history = rows(view, 1, 1)
        # Nanoseconds, as pandas counts.
        history["happened"] += pd.Timedelta(nanoseconds=1)
        history.to_parquet(path)
    (folder / "feature_store.yaml").write_text(
        "project: pushed\nprovider: local\nregistry: registry.db\noffline_store: {type: dask}\n"
        "online_store: {type: sqlite, path: online.db}\nentity_key_serialization_version: 3\n"
    )
    driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
    objects = [driver]
    for view in VIEWS:
        source = FileSource(
            name=f"{view}_history",
            path=view if view == "many" else f"{view}.parquet",
            timestamp_field="happened",
            created_timestamp_column="made",
        )
        push = PushSource(name=f"{view}_feed", batch_source=source)
        schema = [
            Field(name="rate", dtype=t.Float64),
            Field(name="trips", dtype=t.Int64),
            Field(name="note", dtype=t.String),
            *([Field(name="words", dtype=t.Array(t.String))] if view == "many" else []),
        ]
        objects += [
            source,
            push,
            FeatureView(name=view, entities=[driver], schema=schema, source=push, ttl=timedelta(0)),
        ]
    FeatureStore(repo_path=str(folder)).apply(objects)


def push() -> None:
    """To the single file alone: Feast's own push fails with lists, and where the source is a folder."""
    store = FeatureStore(repo_path=str(folder))
    store.push("single_feed", rows("single", 3, 3), to=PushMode.OFFLINE)
    failure = None
    try:
        store.push("many_feed", rows("many", 3, 3), to=PushMode.OFFLINE)
    except Exception as error:
        failure = type(error).__name__
    print(json.dumps(failure))


def read() -> None:
    store = FeatureStore(repo_path=str(folder))
    asked = pd.DataFrame(
        {
            "driver": [1, 2, 3],
            "event_timestamp": [datetime(2026, 2, 1, tzinfo=timezone.utc)] * 3,
        }
    )
    told = {}
    for view in VIEWS:
        names = ["rate", "trips", "note", *(["words"] if view == "many" else [])]
        features = [f"{view}:{name}" for name in names]
        frame = store.get_historical_features(asked, features).to_df().sort_values("driver")
        path = folder / (view if view == "many" else f"{view}.parquet")
        stored = pd.read_parquet(path)
        told[view] = {
            "joined": json.loads(frame.drop(columns="event_timestamp").to_json(orient="values")),
            "types": {name: str(dtype) for name, dtype in stored.dtypes.items()},
            "times": sorted(at.isoformat() for at in stored["happened"]),
        }
    print(json.dumps(told))


{"make": make, "push": push, "read": read}[verb]()
