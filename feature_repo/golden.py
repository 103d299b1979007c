"""Asks real Feast for keys, values, rows and HTTP replies, and writes them to tests/golden/feast.json.

Needs feast[redis]==0.67.0 and a redis-server on PATH:
    python feature_repo/golden.py
Nothing here is ours to decide: whatever Feast answers is what the golden tests hold us to.
"""

import base64
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ["FEAST_USAGE"] = "False"

import feast
import pandas as pd
import redis
import uvicorn
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    OnDemandFeatureView,
    PushSource,
    RequestSource,
    ValueType,
)
from feast.feature_server import get_app
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.on_demand_feature_view import on_demand_feature_view
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types import Value_pb2 as values_pb
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RepoConfig
from feast.types import (
    Array,
    Bool,
    Bytes,
    Decimal,
    Float32,
    Float64,
    Int32,
    Int64,
    Json,
    Map,
    ScalarMap,
    Set,
    String,
    Struct,
    TimeUuid,
    UnixTimestamp,
    Uuid,
    ZonedTimestamp,
)
from google.protobuf.timestamp_pb2 import Timestamp

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "feast.json"
PROJECT = "golden"
LISTS = {
    "BYTES": Bytes, "STRING": String, "INT32": Int32, "INT64": Int64, "DOUBLE": Float64,
    "FLOAT": Float32, "BOOL": Bool, "UNIX_TIMESTAMP": UnixTimestamp,
}


# --- keys, values, fields, timestamps -------------------------------------------------------------

def entity_keys():
    value = {
        "BYTES": lambda v: Value(bytes_val=base64.b64decode(v)),
        "STRING": lambda v: Value(string_val=v),
        "INT32": lambda v: Value(int32_val=int(v)),
        "INT64": lambda v: Value(int64_val=int(v)),
        "UNIX_TIMESTAMP": lambda v: Value(unix_timestamp_val=int(v)),
    }
    cases = [
        [("symbol", "STRING", "USD/COP")],
        [("symbol", "STRING", "")],
        [("symbol", "STRING", "dólar 💵")],
        [("driver_id", "INT64", "1001")],
        [("driver_id", "INT64", "-1")],
        [("driver_id", "INT64", "9223372036854775807")],
        [("driver_id", "INT64", "-9223372036854775808")],
        [("user", "INT32", "-1")],
        [("user", "INT32", "2147483647")],
        [("e2", "UNIX_TIMESTAMP", "1758823656")],
        [("blob", "BYTES", base64.b64encode(b"\x00\xff\x80raw").decode())],
        [("__dummy_id", "STRING", "")],
        [("driver_id", "INT64", "1001"), ("customer_id", "STRING", "c-é")],
        [("customer_id", "STRING", "c-é"), ("driver_id", "INT64", "1001")],
        [("a", "INT32", "1"), ("B", "STRING", "b"), ("_", "INT64", "3"), ("é", "UNIX_TIMESTAMP", "4")],
    ]
    # Surrogate pairs sort before U+E000… in UTF-16 and after it in UTF-8 and in Feast.
    cases.append([("\U0001f4b5", "INT32", "1"), ("\ue000", "INT32", "2")])
    return [
        {
            "pairs": [{"joinKey": n, "type": t, "value": v} for n, t, v in pairs],
            "hex": serialize_entity_key(
                EntityKey(join_keys=[n for n, _, _ in pairs],
                          entity_values=[value[t](v) for _, t, v in pairs]), 3).hex(),
            "redisKey": _redis_key(
                PROJECT,
                EntityKey(join_keys=[n for n, _, _ in pairs],
                          entity_values=[value[t](v) for _, t, v in pairs]),
                entity_key_serialization_version=3).hex(),
        }
        for pairs in cases
    ]


def values():
    scalars = {
        "BYTES": [b"", b"\x00\xff"], "STRING": ["", "ab", "dólar 💵\n\"\\"], "INT32": [0, 1, -1, 2**31 - 1, -(2**31)],
        "INT64": [0, 1001, -1, 2**53 + 1, 2**63 - 1, -(2**63)],
        "DOUBLE": [0.0, -0.0, 0.5, 1.0, 0.1, 1e16, 123456789012345680.0, 1e-5, 1.5e-7, 0.0001, 5e-324, 1.7976931348623157e308,
                   1e21, 1.25e22, float("nan"), float("inf"), float("-inf")],
        "FLOAT": [0.0, 0.5, 0.7037263512611389, 1e16, 3.4028234663852886e38, float("nan")],
        "BOOL": [True, False], "UNIX_TIMESTAMP": [0, 1640995200, -1],
    }
    field = {t: t.lower() + "_val" for t in scalars}
    cases = []
    for kind, items in scalars.items():
        cases += [(kind, item, Value(**{field[kind]: item})) for item in items]
        for chosen in ([], items, items[:1]):
            message = Value()
            listing = getattr(message, kind.lower() + "_list_val")
            listing.SetInParent()
            listing.val.extend(chosen)
            cases.append((kind + "_LIST", chosen, message))
    from feast.feature_server_utils import _value_to_native
    made = [
        {"type": kind, "hex": message.SerializeToString().hex(),
         "json": json.dumps(_value_to_native(message), ensure_ascii=False, separators=(",", ":"))}
        for kind, _, message in cases
    ]
    made.append({"type": None, "hex": Value().SerializeToString().hex(), "json": "null"})
    for kind, message in more_values():
        # Keys of a map come out of Python in the order of a hash, both as bytes and as JSON.
        text = json.dumps(_value_to_native(message), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        made.append({"type": kind, "hex": message.SerializeToString(deterministic=True).hex(), "json": text})
    null = Value()
    null.null_val = 0
    made.append({"type": None, "hex": null.SerializeToString().hex(), "json": "null", "readOnly": True})
    return made


def more_values():
    """Sets, texts with a meaning, and values that hold values."""
    sets = {"bytes": [b"\x00", b"\xff"], "string": ["é", "a"], "int32": [-1, 2], "int64": [2**60], "double": [0.5, float("inf")],
            "float": [1.0], "bool": [True], "unix_timestamp": [1640995200]}
    for kind, items in sets.items():
        for chosen in ([], items):
            message = Value()
            getattr(message, f"{kind}_set_val").SetInParent()
            getattr(message, f"{kind}_set_val").val.extend(chosen)
            yield kind.upper() + "_SET", message
    texts = {"json": '{"a": [1, 2.0]}', "uuid": "12345678-1234-5678-1234-567812345678",
             "time_uuid": "c9b6a6f4-5a5e-11ef-8000-325096b39f47", "decimal": "1.10"}
    for kind, text in texts.items():
        yield kind.upper(), Value(**{f"{kind}_val": text})
        for shape in ("list", "set") if kind != "json" else ("list",):
            message = Value()
            getattr(message, f"{kind}_{shape}_val").val.append(text)
            yield f"{kind}_{shape}".upper(), message
    inner = values_pb.Map(val={"a": Value(int64_val=1), "b": Value(), "c": Value(map_val=values_pb.Map(val={"": Value(double_val=float("nan"))}))})
    for kind in ("map", "struct"):
        yield kind.upper(), Value(**{f"{kind}_val": values_pb.Map()})
        yield kind.upper(), Value(**{f"{kind}_val": inner})
        yield f"{kind}_LIST".upper(), Value(**{f"{kind}_list_val": values_pb.MapList(val=[inner, values_pb.Map()])})
    nested = values_pb.RepeatedValue(val=[Value(int64_list_val=values_pb.Int64List(val=[1, 2])), Value(),
                                Value(list_val=values_pb.RepeatedValue(val=[Value(string_list_val=values_pb.StringList(val=["x"]))]))])
    yield "VALUE_LIST", Value(list_val=nested)
    yield "VALUE_SET", Value(set_val=nested)
    yield "VALUE_LIST", Value(list_val=values_pb.RepeatedValue())
    keys = [values_pb.MapKey(int32_key=-1), values_pb.MapKey(int64_key=2**60), values_pb.MapKey(float_key=0.5), values_pb.MapKey(double_key=0.5), values_pb.MapKey(bool_key=False),
            values_pb.MapKey(unix_timestamp_key=1), values_pb.MapKey(bytes_key=b"\xff"), values_pb.MapKey(uuid_key="u"), values_pb.MapKey(time_uuid_key="t"),
            values_pb.MapKey(decimal_key="1.1"), values_pb.MapKey()]
    yield "SCALAR_MAP", Value(scalar_map_val=values_pb.ScalarMap(val=[values_pb.ScalarMapEntry(key=k, value=Value(bool_val=True)) for k in keys]))
    for seconds, zone in ((1640995200, ""), (0, "UTC"), (1656633600, "Europe/Madrid"), (-5000000000, "America/Bogota"),
                          (1640995200, "UTC-05:00"), (1640995200, "+0530"), (1640995200, "Middle/Earth"), (-(2**63), "UTC")):
        yield "ZONED_TIMESTAMP", Value(zoned_timestamp_val=values_pb.ZonedTimestamp(unix_timestamp=seconds, zone=zone))


def hash_fields():
    names = [("driver_hourly_stats", "conv_rate"), ("feature_view_0", "feature_0"), ("vue", "é"), ("", ""),
             ("technical_features", "log_ret_5m"), ("macro_features", "dxy_z"), ("state_features", "position"),
             ("v", "a"), ("v", "ab"), ("v", "abc"), ("v", "abcd"), ("v", "💵")]
    return [{"view": v, "feature": f, "hex": _mmh3(f"{v}:{f}").hex()} for v, f in names]


def timestamps():
    from feast.feature_server_utils import _timestamp_to_str
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    micros = [0, 1, 1000, 500_000, 1_640_991_600_000_000, 1_640_991_600_500_000, 1_640_991_600_123_456,
              1_763_913_000_999_999, -1, -1_000_000, -1_500_000, 4_102_444_800_000_001]
    made = []
    for us in micros:
        ts = Timestamp()
        ts.FromDatetime(epoch + timedelta(microseconds=us))
        made.append({"micros": us, "hex": ts.SerializeToString().hex(), "text": _timestamp_to_str(ts)})
    return made


# --- a project, its rows and its replies ----------------------------------------------------------

def definitions(folder):
    source = FileSource(name="rows", path=str(folder / "rows.parquet"), timestamp_field="event_timestamp")
    pd.DataFrame({"event_timestamp": pd.to_datetime([], utc=True)}).to_parquet(folder / "rows.parquet")
    push = PushSource(name="driver_push", batch_source=source)
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    station = Entity(name="station", join_keys=["station_id"], value_type=ValueType.INT32)

    def view(name, entities, features, ttl, src=source):
        keys = {"driver": Field(name="driver_id", dtype=Int64), "customer": Field(name="customer_id", dtype=String),
                "station": Field(name="station_id", dtype=Int32)}
        schema = [keys[e.name] for e in entities] + [Field(name=n, dtype=t) for n, t in features]
        return FeatureView(name=name, entities=entities, schema=schema, ttl=ttl, source=src)

    scalars = [(f"f_{k.lower()}", t) for k, t in LISTS.items()]
    lists = [(f"f_{k.lower()}_list", Array(t)) for k, t in LISTS.items()]
    stats = view("driver_stats", [driver], [("conv_rate", Float32), ("acc_rate", Float64), ("trips", Int64)],
                 timedelta(hours=1), push)
    extra = view("driver_extra", [driver], [("score", Float64), ("trips", Int64)], timedelta(0))
    every = view("every_type", [customer], scalars + lists, timedelta(days=1))
    pair = view("driver_customer", [driver, customer], [("rating", Float64)], timedelta(0))
    level = view("station_level", [station], [("level", Float64)], timedelta(0))
    total = view("global_total", [], [("total", Float64)], timedelta(0))
    kinds = view("every_kind", [customer], [(kind.lower(), dtype) for kind, dtype in KINDS.items()], timedelta(0))
    off = FeatureView(name="not_in_use", entities=[driver], schema=[Field(name="x", dtype=Int64)], source=source, enabled=False)
    offline = FeatureView(name="offline_only", entities=[driver], schema=[Field(name="x", dtype=Int64)], source=source, online=False)
    asked = RequestSource(name="asked", schema=[Field(name="factor", dtype=Float64), Field(name="unit", dtype=String)])

    @on_demand_feature_view(sources=[stats[["acc_rate", "trips"]], asked], mode="python", name="scaled",
                            schema=[Field(name="scaled_rate", dtype=Float64), Field(name="told", dtype=String)])
    def scaled(inputs):
        return {"scaled_rate": [None if a is None else a * f for a, f in zip(inputs["acc_rate"], inputs["factor"])],
                "told": [f"{t} {u}" for t, u in zip(inputs["trips"], inputs["unit"])]}

    @on_demand_feature_view(sources=[stats[["trips"]]], mode="python", name="doubled", entities=[driver],
                            write_to_online_store=True, schema=[Field(name="twice", dtype=Int64)])
    def doubled(inputs):
        return {"twice": [2 * t for t in inputs["trips"]]}

    services = [
        FeatureService(name="alias_service", features=[stats[["trips"]].with_name("recent"), extra]),
        FeatureService(name="route_service", features=[
            extra[["score"]].with_name("origin").with_join_key_map({"driver_id": "origin_id"}),
            extra[["score"]].with_name("destination").with_join_key_map({"driver_id": "destination_id"})]),
        FeatureService(name="scaled_service", features=[stats[["conv_rate"]], scaled[["scaled_rate"]]]),
        FeatureService(name="vector_service", features=[extra[["score", "trips"]]], precompute_online=True),
        FeatureService(name="driver_service", features=[stats[["conv_rate", "trips"]], extra[["score"]]]),
        FeatureService(name="mixed_service", features=[stats[["acc_rate"]], every[["f_string"]], pair]),
    ]
    return [driver, customer, station, stats, extra, every, pair, level, total, kinds, off, offline, scaled, doubled, *services]


def projections(given):
    return [{"view": p.name, "features": [f.name for f in p.features], **({"alias": p.name_alias} if p.name_alias else {}),
             **({"joinKeyMap": dict(p.join_key_map)} if p.join_key_map else {})} for p in given]


def describe(objects):
    names = {f"{t}": k for k, t in [(k, t.to_value_type().name) for k, t in LISTS.items()]}
    names |= {f"{k}_LIST": f"{k}_LIST" for k in LISTS}
    views = [o for o in objects if isinstance(o, FeatureView)]
    return {
        "project": PROJECT,
        "entities": [{"name": o.name, "joinKey": o.join_key, "valueType": o.value_type.name}
                     for o in objects if isinstance(o, Entity)],
        "views": [{"name": v.name, "entities": [e for e in v.entities if e != "__dummy"],
                   "features": [{"name": f.name, "valueType": f.dtype.to_value_type().name} for f in v.features],
                   "ttlMs": int(v.ttl.total_seconds() * 1000), **({} if v.enabled else {"disabled": True}),
                   **({} if v.online else {"online": False}),
                   "pushSource": v.stream_source.name if v.stream_source else None} for v in views],
        "services": [{"name": s.name, "projections": projections(s.feature_view_projections),
                      **({"precomputeOnline": True} if s.precompute_online else {})}
                     for s in objects if isinstance(s, FeatureService)],
        "onDemandViews": [{
            "name": v.name, "mode": v.mode, "entities": [e for e in v.entities if e != "__dummy"],
            "features": [{"name": f.name, "valueType": f.dtype.to_value_type().name} for f in v.features],
            "projections": projections(v.source_feature_view_projections.values()),
            "requestSources": [{"name": r.name, "schema": [{"name": f.name, "valueType": f.dtype.to_value_type().name}
                                                           for f in r.schema]} for r in v.source_request_sources.values()],
            "writeToOnlineStore": v.write_to_online_store} for v in objects if isinstance(v, OnDemandFeatureView)],
        "pushSources": [{"name": "driver_push", "timestampField": "event_timestamp"}],
    }


KINDS = {
    **{f"{k}_SET": Set(t) for k, t in LISTS.items()}, "JSON": Json, "JSON_LIST": Array(Json), "UUID": Uuid, "UUID_LIST": Array(Uuid),
    "UUID_SET": Set(Uuid), "TIME_UUID": TimeUuid, "TIME_UUID_LIST": Array(TimeUuid), "TIME_UUID_SET": Set(TimeUuid),
    "DECIMAL": Decimal, "DECIMAL_LIST": Array(Decimal), "DECIMAL_SET": Set(Decimal), "MAP": Map, "MAP_LIST": Array(Map),
    "STRUCT": Struct({"a": Int64}), "STRUCT_LIST": Array(Struct({"a": Int64})), "VALUE_LIST": Array(Array(Int64)),
    "VALUE_SET": Set(Array(Int64)), "SCALAR_MAP": ScalarMap, "ZONED_TIMESTAMP": ZonedTimestamp,
}
ROW_TIME = datetime(2025, 3, 3, 15, 30, 0, 250_000, tzinfo=timezone.utc)


def write_rows(store):
    def write(view, **columns):
        store.write_to_online_store(view, df=pd.DataFrame(columns))

    at = pd.to_datetime([ROW_TIME, ROW_TIME, ROW_TIME + timedelta(microseconds=123)])
    write("driver_stats", driver_id=[1001, 1002, 2**53 + 1], conv_rate=[0.5, 1.0, None], acc_rate=[0.1, 2.0, 1e16],
          trips=[7, 2**53 + 1, -1], event_timestamp=at)
    write("driver_extra", driver_id=[1001], score=[float("inf")], trips=[0],
          event_timestamp=pd.to_datetime([ROW_TIME.replace(microsecond=0)]))
    when = pd.Timestamp("2022-01-01T00:00:00Z")
    scalars = {"bytes": b"\x00\xff", "string": "dólar 💵", "int32": -5, "int64": -(2**60), "double": -0.0, "float": 0.7,
               "bool": True, "unix_timestamp": when}
    row = {f"f_{k}": [v] for k, v in scalars.items()}
    row |= {f"f_{k}_list": [[v, v]] for k, v in scalars.items()}
    write("every_type", customer_id=["c-é"], event_timestamp=at[:1], **row)
    write("driver_customer", driver_id=[1001], customer_id=["c-é"], rating=[4.5], event_timestamp=at[:1])
    write("station_level", station_id=[7], level=[3.0], event_timestamp=at[:1])
    # write_to_online_store puts an entity-less row under a key that no read asks for; materialization does not.
    key = EntityKey(join_keys=["__dummy_id"], entity_values=[Value(string_val="")])
    view = store.registry.get_feature_view("global_total", PROJECT)
    provider = store._get_provider()
    provider.online_write_batch(
        store.config, view, [(key, {"total": Value(double_val=42.0)}, ROW_TIME, None)], None)
    # Maps of one key: Python prints more in the order of a hash.
    one = values_pb.Map(val={"a": Value(int64_val=1)})
    row = {kind.lower(): message for kind, message in more_values()}
    row |= {"map": Value(map_val=one), "struct": Value(struct_val=one), "map_list": Value(map_list_val=values_pb.MapList(val=[one])),
            "struct_list": Value(struct_list_val=values_pb.MapList(val=[one, values_pb.Map()])),
            "zoned_timestamp": Value(zoned_timestamp_val=values_pb.ZonedTimestamp(unix_timestamp=1640995200, zone="America/Bogota"))}
    key = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val="c-é")])
    provider.online_write_batch(store.config, store.registry.get_feature_view("every_kind", PROJECT), [(key, row, ROW_TIME, None)], None)
    doubled = store.registry.get_on_demand_feature_view("doubled", PROJECT)
    key = EntityKey(join_keys=["driver_id"], entity_values=[Value(int64_val=1001)])
    provider.online_write_batch(store.config, doubled, [(key, {"twice": Value(int64_val=14)}, ROW_TIME, None)], None)
    store.precompute_feature_service("vector_service")


def requests():
    driver = {"driver_id": [1001]}
    ask = lambda name, body, **more: {"name": name, "path": "/get-online-features", "body": body, **more}
    stats = ["driver_stats:conv_rate", "driver_stats:acc_rate", "driver_stats:trips"]
    yield ask("present", {"features": stats, "entities": driver})
    yield ask("whole floats and large integers", {"features": stats, "entities": {"driver_id": [1002, 9007199254740993]}})
    yield ask("a missing entity", {"features": stats, "entities": {"driver_id": [5]}})
    yield ask("present and missing", {"features": stats, "entities": {"driver_id": [5, 1001, 6]}})
    yield ask("a stored null", {"features": ["driver_stats:conv_rate"], "entities": {"driver_id": [9007199254740993]}})
    yield ask("full feature names", {"features": [*stats, "driver_extra:trips"], "entities": driver, "full_feature_names": True})
    yield ask("a service", {"feature_service": "driver_service", "entities": driver})
    yield ask("a service with full names", {"feature_service": "driver_service", "entities": driver, "full_feature_names": True})
    yield ask("a service before a list", {"feature_service": "driver_service", "features": ["nope:nope"], "entities": driver})
    yield ask("an empty service name", {"feature_service": "", "features": stats, "entities": driver})
    yield ask("duplicate rows", {"features": stats, "entities": {"driver_id": [1002, 1001, 1002, 1002]}})
    yield ask("views interleaved", {"features": ["driver_extra:score", "driver_stats:conv_rate", "driver_extra:trips"], "entities": driver})
    yield ask("views of different entities", {"feature_service": "mixed_service",
                                               "entities": {"driver_id": [1001, 1002], "customer_id": ["c-é", "c-é"]}})
    yield ask("a composite key", {"features": ["driver_customer:rating"], "entities": {"customer_id": ["c-é", "x"], "driver_id": [1001, 1001]}})
    yield ask("every type", {"features": [f"every_type:f_{k.lower()}{s}" for k in LISTS for s in ("", "_list")],
                             "entities": {"customer_id": ["c-é"]}})
    yield ask("an int32 key", {"features": ["station_level:level"], "entities": {"station_id": [7]}})
    yield ask("an entity-less view", {"features": ["global_total:total"], "entities": {"any": [1, 2]}})
    yield ask("an unknown extra column", {"features": stats, "entities": {"driver_id": [1001], "colour": ["red"]}})
    yield ask("another view's join key", {"features": stats, "entities": {"driver_id": [1001], "customer_id": ["c-é"]}})
    yield ask("an infinite value", {"features": ["driver_extra:score"], "entities": driver})
    yield ask("the latest version", {"features": ["driver_stats@latest:trips"], "entities": driver})
    yield ask("keys as text", {"features": stats, "entities": {"driver_id": ["1001"]}})
    yield ask("text keys as numbers", {"features": ["every_type:f_string"], "entities": {"customer_id": [5]}})
    yield ask("a lax boolean", {"features": stats, "entities": driver, "full_feature_names": "yes"})
    yield ask("an unknown field", {"features": stats, "entities": driver, "colour": "red"})
    yield ask("version metadata", {"features": stats, "entities": driver, "include_feature_view_version_metadata": True})
    yield ask("no content type", {"features": stats, "entities": driver}, contentType=None)
    yield ask("a form content type", {"features": stats, "entities": driver}, contentType="application/x-www-form-urlencoded")
    yield ask("every kind", {"features": [f"every_kind:{k.lower()}" for k in KINDS], "entities": {"customer_id": ["c-é"]}})
    yield ask("an alias", {"feature_service": "alias_service", "entities": driver, "full_feature_names": True})
    yield ask("mapped join keys", {"feature_service": "route_service", "full_feature_names": True,
                                   "entities": {"origin_id": [1001, 5], "destination_id": [5, 1001]}})
    yield ask("a mapped join key under its own name", {"feature_service": "route_service", "full_feature_names": True,
                                                       "entities": {"driver_id": [1001]}})
    yield ask("a mapped join key after its own name", {"feature_service": "route_service", "full_feature_names": True,
                                                       "entities": {"driver_id": [5], "origin_id": [1001]}})
    yield ask("an own name after a mapped join key", {"feature_service": "route_service", "full_feature_names": True,
                                                      "entities": {"origin_id": [5], "driver_id": [1001]}})
    both = {"driver_id": [1001, 1002], "factor": [2.0, 0.5], "unit": ["km", "mi"]}
    yield ask("an on-demand view", {"features": ["scaled:scaled_rate", "scaled:told"], "entities": both})
    yield ask("an on-demand view beside its inputs", {"features": ["driver_stats:trips", "scaled:told"], "entities": both})
    yield ask("an on-demand view with full names", {"features": ["scaled:scaled_rate", "driver_stats:conv_rate"], "entities": both,
                                                    "full_feature_names": True})
    yield ask("an on-demand view of a service", {"feature_service": "scaled_service", "entities": both})
    yield ask("a stored on-demand view", {"features": ["doubled:twice", "driver_stats:trips"], "entities": {"driver_id": [1001, 5]}})
    yield ask("stored vectors", {"feature_service": "vector_service", "entities": {"driver_id": [1001, 1001]}, "full_feature_names": True})
    yield ask("a view kept offline", {"features": ["offline_only:x"], "entities": driver})
    # Errors.
    yield ask("error: request data is missing", {"features": ["scaled:told"], "entities": {"driver_id": [1001], "factor": [1.5]}})
    yield ask("error: an unknown on-demand feature", {"features": ["scaled:nope"], "entities": both})
    yield ask("error: a view out of use", {"features": ["not_in_use:x"], "entities": driver})
    yield ask("error: vectors under short names", {"feature_service": "vector_service", "entities": driver})
    yield ask("error: an entity without a vector", {"feature_service": "vector_service", "entities": {"driver_id": [1001, 5]},
                                                    "full_feature_names": True})
    yield ask("error: unknown view", {"features": ["nope:conv_rate"], "entities": driver})
    yield ask("error: unknown feature", {"features": ["driver_stats:nope"], "entities": driver})
    yield ask("error: unknown service", {"feature_service": "nope", "entities": driver})
    yield ask("error: a reference without a colon", {"features": ["conv_rate"], "entities": driver})
    yield ask("error: a version", {"features": ["driver_stats@v2:trips"], "entities": driver})
    yield ask("error: colliding names", {"features": ["driver_stats:trips", "driver_extra:trips"], "entities": driver})
    yield ask("error: the same reference twice", {"features": ["driver_stats:trips", "driver_stats:trips"], "entities": driver,
                                                  "full_feature_names": True})
    yield ask("error: no features", {"features": [], "entities": driver})
    yield ask("error: unequal columns", {"features": stats, "entities": {"driver_id": [1001, 1002], "customer_id": ["c"]}})
    yield ask("error: a missing join key", {"features": stats, "entities": {"customer_id": ["c"]}})
    yield ask("error: half a composite key", {"features": ["driver_customer:rating"], "entities": driver})
    yield ask("error: empty entities", {"features": stats, "entities": {}})
    yield ask("error: no rows", {"features": stats, "entities": {"driver_id": []}})
    yield ask("error: a null entity", {"features": stats, "entities": {"driver_id": [None]}})
    yield ask("error: a key that is no number", {"features": stats, "entities": {"driver_id": ["abc"]}})
    yield ask("error: a fractional key", {"features": stats, "entities": {"driver_id": [1001.5]}})
    yield ask("error: missing entities", {"features": stats})
    yield ask("error: entities is a list", {"features": stats, "entities": []})
    yield ask("error: a column is no list", {"features": stats, "entities": {"driver_id": 1001}})
    yield ask("error: features is text", {"features": "driver_stats:trips", "entities": driver})
    yield ask("error: a feature is a number", {"features": [1], "entities": driver})
    yield ask("error: the service is a number", {"feature_service": 1, "entities": driver})
    yield ask("error: not a boolean", {"features": stats, "entities": driver, "full_feature_names": "maybe"})
    yield ask("error: the body is a list", [])
    yield ask("error: malformed JSON", None, text="{")
    yield ask("error: no body", None, text="")
    # Pushes, each followed by a read of what it left.
    df = {"driver_id": [3001], "conv_rate": [0.25], "acc_rate": [1.0], "trips": [3],
          "event_timestamp": ["2025-03-03T15:30:00.250Z"]}
    push = lambda name, body, **more: {"name": name, "path": "/push", "body": body, **more}
    check = lambda name: ask(f"after: {name}", {"features": stats, "entities": {"driver_id": [3001]}})
    yield push("push", {"push_source_name": "driver_push", "df": df})
    yield check("push")
    yield push("push of the same instant", {"push_source_name": "driver_push", "df": {**df, "trips": [4]}, "to": "online"})
    yield check("push of the same instant")
    yield push("push of an older row", {"push_source_name": "driver_push", "df": {**df, "trips": [5], "event_timestamp": ["2025-03-03T15:30:00"]}})
    yield check("push of an older row")
    yield push("push of a newer row", {"push_source_name": "driver_push", "df": {**df, "trips": [6], "event_timestamp": ["2025-03-03 10:31:00-05:00"]}})
    yield check("push of a newer row")
    yield push("push without a feature", {"push_source_name": "driver_push",
                                          "df": {k: v for k, v in df.items() if k != "trips"}})
    yield push("push of nulls only", {"push_source_name": "driver_push",
                                      "df": {**df, "conv_rate": [None], "acc_rate": [None], "trips": [None], "event_timestamp": ["2025-03-04T00:00:00Z"]}})
    yield check("push of nulls only")
    yield push("push of no rows", {"push_source_name": "driver_push", "df": {k: [] for k in df}})
    yield push("error: unknown push source", {"push_source_name": "nope", "df": df})
    yield push("error: push to nowhere", {"push_source_name": "driver_push", "df": df, "to": "nowhere"})
    yield push("error: push without a frame", {"push_source_name": "driver_push"})
    yield push("error: push of unequal columns", {"push_source_name": "driver_push", "df": {**df, "trips": [1, 2]}})
    yield push("error: push without a time", {"push_source_name": "driver_push", "df": {k: v for k, v in df.items() if k != "event_timestamp"}})
    yield push("error: push of a broken time", {"push_source_name": "driver_push", "df": {**df, "event_timestamp": ["soon"]}})
    yield push("error: push without a join key", {"push_source_name": "driver_push", "df": {k: v for k, v in df.items() if k != "driver_id"}})
    yield push("error: push of text for a number", {"push_source_name": "driver_push",
                                                    "df": {**df, "acc_rate": ["abc"], "event_timestamp": ["2025-03-05T00:00:00Z"]}})
    # Writes as Feast's own remote client sends them.
    df = {**{k: v for k, v in df.items() if k != "event_timestamp"}, "driver_id": [4001],
          "event_timestamp": ["2025-03-03T15:30:00.250000"], "created": [None]}
    write = lambda name, view, columns: {"name": name, "path": "/write-to-online-store",
                                         "body": {"feature_view_name": view, "df": columns, "allow_registry_cache": False}}
    check = lambda name: ask(f"after: {name}", {"features": stats, "entities": {"driver_id": [4001]}})
    yield write("write", "driver_stats", df)
    yield check("write")
    yield write("write of an older row", "driver_stats", {**df, "trips": [9], "event_timestamp": ["2025-03-03T15:29:00"]})
    yield check("write of an older row")
    yield write("write of nulls only", "driver_stats", {**df, "conv_rate": [None], "acc_rate": [None], "trips": [None]})
    yield write("write of no rows", "driver_stats", {k: [] for k in df})
    uuid = "12345678-1234-5678-1234-567812345678"
    given = {"string_set": ["a"], "int32_set": [1], "int64_set": [2], "double_set": [0.5], "float_set": [0.25], "bool_set": [True],
             "unix_timestamp_set": [5], "json": '{"a": 1}', "json_list": ["1"], "uuid": uuid, "uuid_list": [uuid], "uuid_set": [uuid],
             "time_uuid": uuid, "time_uuid_list": [uuid], "time_uuid_set": [uuid], "decimal": "1.10", "decimal_list": ["1.10"],
             "decimal_set": ["1.10"], "map": '{"a": 1.0}', "map_list": None, "struct": '{"a": [1, 2]}', "struct_list": None,
             "value_list": [[1, 2], [3]], "value_set": [[0.5]], "scalar_map": None, "zoned_timestamp": None, "bytes_set": None}
    kinds = {k: [v] for k, v in given.items()} | {"customer_id": ["w"], "event_timestamp": ["2025-03-03T15:30:00"], "created": [None]}
    yield write("write of every kind", "every_kind", kinds)
    yield ask("after: write of every kind", {"features": [f"every_kind:{k}" for k, v in given.items() if v is not None],
                                                "entities": {"customer_id": ["w"]}})
    yield write("error: write to an unknown view", "nope", df)
    yield write("error: write without a feature", "driver_stats", {k: v for k, v in df.items() if k != "trips"})
    yield write("error: write without a time", "driver_stats", {k: v for k, v in df.items() if k != "event_timestamp"})
    yield {"name": "error: write without a view", "path": "/write-to-online-store", "body": {"df": {}}}
    yield {"name": "health", "path": "/health", "method": "GET", "body": None}


def send(port, request):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    text = request.get("text", json.dumps(request["body"], ensure_ascii=False))
    content_type = request.get("contentType", "application/json")
    headers = {} if content_type is None else {"content-type": content_type}
    method = request.get("method", "POST")
    connection.request(method, request["path"], body=text.encode() if method == "POST" else None, headers=headers)
    response = connection.getresponse()
    answer = {"status": response.status, "contentType": response.getheader("content-type"),
              "body": response.read().decode()}
    connection.close()
    kept = {k: v for k, v in request.items() if k in ("name", "path", "contentType")}
    return {**kept, "method": method, "request": text, "reply": answer}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


def main():
    assert feast.__version__ == "0.67.0", feast.__version__
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis_port, http_port = free_port(), free_port()
        server = subprocess.Popen(["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", name,
                                   "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL)
        try:
            wait_for(redis_port)
            config = RepoConfig(project=PROJECT, provider="local", registry=str(folder / "registry.db"),
                                online_store={"type": "redis", "connection_string": f"127.0.0.1:{redis_port}"},
                                entity_key_serialization_version=3)
            store = FeatureStore(config=config)
            objects = definitions(folder)
            store.apply(objects)
            write_rows(store)
            client = redis.Redis(port=redis_port)
            rows = [{"key": key.hex(), "fields": {f.hex(): v.hex() for f, v in sorted(client.hgetall(key).items())}}
                    for key in sorted(client.keys("*"))]
            app = uvicorn.Server(uvicorn.Config(get_app(store), host="127.0.0.1", port=http_port, log_level="critical"))
            thread = threading.Thread(target=app.run, daemon=True)
            thread.start()
            wait_for(http_port)
            replies = [send(http_port, request) for request in requests()]
            app.should_exit = True
            thread.join()
        finally:
            server.terminate()
            server.wait()
    # Feast's feature order inside a view is that of a Python set; ours is the definition's.
    document = {"feast": feast.__version__, "rowTimeMs": int(ROW_TIME.timestamp() * 1000), "definitions": describe(objects),
                "entityKeys": entity_keys(), "values": values(), "hashFields": hash_fields(), "timestamps": timestamps(),
                "redisRows": rows, "replies": replies}
    OUT.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{OUT}: {len(replies)} replies", file=sys.stderr)


if __name__ == "__main__":
    main()
