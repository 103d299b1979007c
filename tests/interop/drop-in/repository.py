"""Makes the Feast repository that both servers serve: repository.py FOLDER REDIS.

The definitions are the golden file's, with wide views and a key of a time beside them; the rows are drawn
from a seed, with nulls and gaps, of every type that Feast has. Nothing of it is written by us.
"""

import random
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "feature_repo"))

import golden
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.types import Float32, Float64, Int32, Int64, String, UnixTimestamp

folder, redis = Path(sys.argv[1]), sys.argv[2]
(folder / "feature_store.yaml").write_text(
    f"project: {golden.PROJECT}\nprovider: local\nregistry: {{path: {folder}/registry.db, cache_ttl_seconds: 600}}\n"
    f"offline_store: {{type: dask}}\nonline_store: {{type: redis, connection_string: '{redis}'}}\n"
    "entity_key_serialization_version: 3\n"
)
store = FeatureStore(repo_path=str(folder))
objects = golden.definitions(folder)
# Two rows of history a day apart, for one of the views: the others have none to materialize.
noons = pd.to_datetime([golden.ROW_TIME.replace(day=day, hour=12) for day in (1, 2)])
history = {"event_timestamp": noons, "station_id": pd.Series([900, 901], dtype="int32"), "level": [0.5, 1.5]}
pd.DataFrame(history).to_parquet(folder / "rows.parquet")
named = {each.name: each for each in objects}
driver, customer = named["driver"], named["customer"]
source = FileSource(name="more_rows", path=str(folder / "rows.parquet"), timestamp_field="event_timestamp")
moment = Entity(name="moment", join_keys=["moment_id"], value_type=ValueType.UNIX_TIMESTAMP)
at_moment = FeatureView(
    name="moment_level", entities=[moment], source=PushSource(name="moment_push", batch_source=source), ttl=timedelta(0),
    schema=[Field(name="moment_id", dtype=UnixTimestamp), Field(name="height", dtype=Float64)],
)
elsewhere = FileSource(name="elsewhere", path=str(folder / "rows.parquet"), timestamp_field="happened")
late = FeatureView(
    name="timed_elsewhere", entities=[driver], source=elsewhere, ttl=timedelta(0),
    schema=[Field(name="driver_id", dtype=Int64), Field(name="speed", dtype=Float64)],
)
total_push = PushSource(name="total_push", batch_source=source)
pushed_total = FeatureView(name="pushed_total", entities=[], source=total_push, schema=[Field(name="sum", dtype=Float64)])
kinds = [Float64, Int64, Float32, String, Int32]
wide = [
    FeatureView(
        name=f"wide_{view}", entities=[driver], source=source, ttl=timedelta(0),
        schema=[Field(name="driver_id", dtype=Int64), *(Field(name=f"w{view}_{i}", dtype=kinds[i % 5]) for i in range(50))],
    )
    for view in range(5)
]
widest = FeatureService(name="widest", features=wide)
store.apply([*objects, moment, at_moment, late, pushed_total, *wide, widest])
golden.write_rows(store)

draw = random.Random(67)
provider = store._get_provider()
now = golden.ROW_TIME


def write(view, keys, values):
    """A row for each key; `values` makes one feature's value, or None for a null."""
    of = store.registry.get_feature_view(view, golden.PROJECT)
    rows = []
    for index, pairs in enumerate(keys):
        key = EntityKey(join_keys=[name for name, _ in pairs], entity_values=[value for _, value in pairs])
        drawn = {f.name: values(f) for f in of.features}
        # A feature that was never written, now and then: the row exists without it.
        kept = {name: value or Value() for name, value in drawn.items() if draw.random() > 0.03}
        if kept:
            rows.append((key, kept, now + timedelta(microseconds=index * 1001), None))
    provider.online_write_batch(store.config, of, rows, None)


SCALARS = {
    "BYTES": lambda: draw.randbytes(draw.randrange(4)),
    "STRING": lambda: draw.choice(["", "a", "ñandú 💵", 'q"\\\n', "\u2028", "x" * 40]),
    "INT32": lambda: draw.choice([0, 1, -1, 2**31 - 1, -(2**31), draw.randrange(1000)]),
    "INT64": lambda: draw.choice([0, -1, 2**53 + 1, 2**63 - 1, -(2**63), draw.randrange(10**12)]),
    "DOUBLE": lambda: draw.choice([0.0, -0.0, 1.0, 1e16, 1e-7, 5e-324, float("nan"), float("inf"), draw.gauss(0, 1e3)]),
    "FLOAT": lambda: draw.choice([0.0, 1.0, 0.7, 3.4028234663852886e38, float("-inf"), draw.random()]),
    "BOOL": lambda: draw.random() < 0.5,
    "UNIX_TIMESTAMP": lambda: draw.choice([0, -1, 1_640_995_200, draw.randrange(2**31)]),
}
RARER = {}
for kind, message in golden.more_values():
    RARER.setdefault(kind, []).append(message)


def value_of(field):
    if draw.random() < 0.1:
        return None
    kind = field.dtype.to_value_type().name
    if kind in SCALARS:
        return Value(**{f"{kind.lower()}_val": SCALARS[kind]()})
    base = kind.removesuffix("_LIST")
    if base in SCALARS:
        message = Value()
        items = getattr(message, f"{kind.lower()}_val")
        items.SetInParent()
        items.val.extend(SCALARS[base]() for _ in range(draw.randrange(4)))
        return message
    return draw.choice(RARER[kind])


drivers = [Value(int64_val=n) for n in [*range(1, 101), 2**53 + 7, -5]]
customers = [Value(string_val=text) for text in [*(f"c-{n}" for n in range(40)), "", "ñ 💵", "5", "True"]]
write("driver_stats", [[("driver_id", d)] for d in drivers[::2]], value_of)
write("driver_extra", [[("driver_id", d)] for d in drivers[::3]], value_of)
write("every_type", [[("customer_id", c)] for c in customers], value_of)
write("every_kind", [[("customer_id", c)] for c in customers[::2]], value_of)
write("driver_customer", [[("driver_id", d), ("customer_id", c)] for d in drivers[:20] for c in customers[:6]], value_of)
write("station_level", [[("station_id", Value(int32_val=n))] for n in [*range(30), -1, 2**31 - 1]], value_of)
write("moment_level", [[("moment_id", Value(unix_timestamp_val=n))] for n in [0, 1, 1_640_995_200]], value_of)
for each in wide:
    write(each.name, [[("driver_id", d)] for d in drivers if draw.random() < 0.8], value_of)
