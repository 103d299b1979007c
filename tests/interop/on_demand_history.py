"""Feast materializes stored on-demand views, each into an empty Redis: on_demand_history.py FOLDER REDIS
TRANSFORMATIONS; prints what each left there, or how it failed, as JSON."""

import json
import sys
import warnings
from contextlib import redirect_stdout
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RequestSource, ValueType
from feast import types as t
from feast.on_demand_feature_view import on_demand_feature_view
from redis import Redis

warnings.filterwarnings("ignore")
folder, redis, transformations = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(folder / "feature_store.yaml").write_text(
    f"project: computed\nprovider: local\nregistry: registry.db\noffline_store: {{type: dask}}\n"
    f"online_store: {{type: redis, connection_string: '{redis}'}}\n"
    f"feature_server: {{type: local, enabled: true, transformation_service_endpoint: '{transformations}'}}\n"
    "entity_key_serialization_version: 3\n"
)
HOUR, START = timedelta(hours=1), datetime(2026, 1, 1, tzinfo=timezone.utc)
# Three rides each, the last of them beyond the window of some; each made later than the next.
index = list(range(1, 900))
rides = pd.DataFrame(
    {
        "driver": [i % 300 for i in index],
        "happened": [START + i * HOUR / 10 for i in index],
        "made": [START + (900 - i) * HOUR for i in index],
        "rate": [None if i % 7 == 0 else i / 3 for i in index],
        "small": [i / 7 for i in index],
        "trips": [2**53 + i for i in index],
        "active": [i % 2 == 0 for i in index],
        "note": [f"nota ñ {i}" for i in index],
        "raw": [bytes([i % 256, 0]) for i in index],
        "seen": [START - timedelta(seconds=i) for i in index],
        "scores": [[i / 9, 1.0] for i in index],
        "words": [["a", f"b{i}"] for i in index],
    }
)
rides.to_parquet(folder / "rides.parquet")
rides[["driver", "happened"]].assign(score=[float(i) for i in index]).to_parquet(
    folder / "scores.parquet"
)
# Two hours before each ride.
rides[["driver"]].assign(
    happened=[at - 2 * HOUR for at in rides.happened], grade=[i % 100 for i in index]
).to_parquet(folder / "grades.parquet")
# Long before all of them.
rides[:300][["driver"]].assign(happened=START - 99 * HOUR, size=1.0).to_parquet(
    folder / "cars.parquet"
)
pd.DataFrame({"shop": [1], "happened": [START + 30 * HOUR], "size": [2.0]}).to_parquet(
    folder / "shops.parquet"
)

driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
shop = Entity(name="shop", join_keys=["shop"], value_type=ValueType.INT64)
TYPES = {
    "rate": t.Float64,
    "small": t.Float32,
    "trips": t.Int64,
    "active": t.Bool,
    "note": t.String,
    "raw": t.Bytes,
    "seen": t.UnixTimestamp,
    "scores": t.Array(t.Float64),
    "words": t.Array(t.String),
}


def view(file, schema, name=None, entity=driver, ttl=timedelta(days=1)):
    return FeatureView(
        name=name or file,
        entities=[entity],
        schema=[Field(name=feature, dtype=dtype) for feature, dtype in schema.items()],
        source=FileSource(name=f"{file}_file", path=f"{file}.parquet", timestamp_field="happened"),
        ttl=ttl,
    )


rode = view("rides", TYPES)
rode_lately = view("rides", {"small": t.Float32}, "lately", ttl=timedelta(days=9))
scored = view("scores", {"score": t.Float64})
graded = view("grades", {"grade": t.Int64})
drives = view("cars", {"size": t.Float64})
sold = view("shops", {"size": t.Float64}, entity=shop)
asked = RequestSource(name="asked", schema=[Field(name="factor", dtype=t.Float64)])
stored = {}


def store_view(sources, schema, mode="pandas", kept=True, entities=(driver,)):
    def decorate(function):
        stored[function.__name__] = on_demand_feature_view(
            entities=list(entities),
            sources=sources,
            schema=[Field(name=name, dtype=dtype) for name, dtype in schema.items()],
            mode=mode,
            write_to_online_store=kept,
        )(function)
        return function

    return decorate


@store_view([rode], {f"{name}_out": dtype for name, dtype in TYPES.items()})
def every_type(inputs: pd.DataFrame) -> pd.DataFrame:
    out = inputs[list(set(inputs.columns) - {"driver", "event_timestamp"})].add_suffix("_out")
    out["rate_out"] = inputs["rate"] * 3
    out["small_out"] = (inputs["small"] * 3).astype("float32")
    out["trips_out"] = inputs["trips"] + 1
    out["note_out"] = inputs["note"].str.upper()
    return out


@store_view([rode], {"rate": t.Float64, "half": t.Float64})
def of_an_input(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"rate": inputs["rate"] * 100, "half": inputs["rate"] / 2})


@store_view([rode[["small"]], scored], {"total": t.Float64, "day": t.Int64})
def of_two(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["total"] = inputs["small"] + inputs["score"]
    # When a view is applied it is tried without an event time.
    out["day"] = inputs["event_timestamp"].dt.day if "event_timestamp" in inputs else 0
    return out.astype({"day": "int64"})


@store_view([rode_lately, graded], {"small_out": t.Float64, "grade_out": t.Float64})
def of_two_times(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"small_out": inputs["small"] * 1.0, "grade_out": inputs["grade"] * 1.0})


@store_view([rode[["small"]], drives], {"small_out": t.Float64, "size_out": t.Float64})
def of_long_ago(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"small_out": inputs["small"] * 1.0, "size_out": inputs["size"]})


@store_view([rode], {"twice": t.Float64}, mode="python")
def in_python(inputs: dict) -> dict:
    return {"twice": [rate and 2 * rate for rate in inputs["rate"]]}


@store_view([rode, asked], {"scaled": t.Float64})
def asks(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"scaled": inputs["rate"] * inputs["factor"]})


@store_view([asked], {"same": t.Float64})
def only_asks(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"same": inputs["factor"]})


@store_view([rode[["small"]], sold], {"sum": t.Float64}, entities=(driver, shop))
def of_other_keys(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"sum": inputs["small"] + inputs["size"]})


@store_view([rode[["small"]]], {"nothing": t.Float64})
def of_nulls(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"nothing": inputs["small"].where(inputs["small"] < 0)})


@store_view([rode[["small"]]], {"never": t.Float64}, kept=False)
def not_stored(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"never": inputs["small"] * 1.0})


store = FeatureStore(repo_path=str(folder))
host, port = redis.split(":")
client = Redis(host, int(port))


def left_by(materialize):
    client.flushall()
    try:
        materialize()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    rows = {}
    for key in client.keys():
        fields = client.hgetall(key).items()
        rows[key.hex()] = {
            field.hex(): "" if field.startswith(b"_ts:") else value.hex() for field, value in fields
        }
    return {"rows": rows}


with redirect_stdout(sys.stderr):
    store.apply([driver, shop, rode, rode_lately, scored, graded, drives, sold, *stored.values()])
    window = START + 20 * HOUR, START + 72 * HOUR
    left = {
        name: left_by(lambda name=name: store.materialize(*window, feature_views=[name]))
        for name in stored
    }
    left["an increment of of_two"] = left_by(
        lambda: store.materialize_incremental(window[1], feature_views=["of_two"])
    )
json.dump(left, sys.stdout)
