"""Makes feast-registry.db, a registry that Feast 0.67.0 itself wrote: feast_registry.py, with a Python
that has it. Entities, sources, views, services, permissions, earlier versions and a second project.
With the URL of a database behind it, it writes them there and leaves the file alone."""

import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pandas
from feast import (
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    KafkaSource,
    PushSource,
    RepoConfig,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.data_format import JsonFormat
from feast.on_demand_feature_view import on_demand_feature_view
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import GroupBasedPolicy, RoleBasedPolicy
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp

HERE = Path(__file__).parent
START, END = (datetime(2026, 1, day, tzinfo=timezone.utc) for day in (1, 2))

folder = Path(tempfile.mkdtemp())
path = folder / "registry.db"
URL = sys.argv[1] if len(sys.argv) > 1 else None
REGISTRY = {"registry_type": "sql", "path": URL} if URL else {"path": str(path)}


def store(project: str) -> FeatureStore:
    config = RepoConfig(
        project=project,
        provider="local",
        registry={**REGISTRY, "enable_online_feature_view_versioning": True},
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    return FeatureStore(config=config)


history = FileSource(
    name="driver_history",
    path="data/drivers.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
    field_mapping={"rate": "conv_rate"},
    description="what drivers did",
    tags={"tier": "gold"},
    owner="ann",
)
pushed = PushSource(name="driver_push", batch_source=history)
kafka = KafkaSource(
    name="driver_stream",
    timestamp_field="event_timestamp",
    batch_source=history,
    kafka_bootstrap_servers="broker:9092",
    message_format=JsonFormat(schema_json="driver_id integer, trips integer"),
    topic="drivers",
)
asked = RequestSource(name="asked", schema=[Field(name="add", dtype=Int64)])

KEY_TYPES = ("INT32", "INT64", "STRING", "BYTES", "UNIX_TIMESTAMP")
entities = [
    Entity(name=f"by_{name.lower()}", join_keys=[f"{name.lower()}_id"], value_type=ValueType[name])
    for name in KEY_TYPES
]
driver = Entity(
    name="driver",
    join_keys=["driver_id"],
    value_type=ValueType.INT64,
    description="who drives",
    tags={"team": "a"},
    owner="ann",
)


def driver_stats(*more: Field) -> FeatureView:
    return FeatureView(
        name="driver_stats",
        entities=[driver],
        ttl=timedelta(hours=2, milliseconds=500),
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="conv_rate", dtype=Float32, description="a share", tags={"unit": "1"}),
            Field(name="trips", dtype=Int64),
            Field(name="days", dtype=Array(Int64)),
            *more,
        ],
        source=pushed,
        description="hourly",
        tags={"team": "a"},
        owner="ann",
    )


total = FeatureView(
    name="total",
    entities=[],
    schema=[Field(name="trips_total", dtype=Int64)],
    source=history,
    online=False,
)
streamed = StreamFeatureView(
    name="streamed",
    entities=[driver],
    ttl=timedelta(days=1),
    schema=[Field(name="driver_id", dtype=Int64), Field(name="last_seen", dtype=UnixTimestamp)],
    source=kafka,
    timestamp_field="event_timestamp",
)


@on_demand_feature_view(
    sources=[driver_stats(), asked],
    schema=[Field(name="trips_plus", dtype=Int64)],
    mode="python",
    description="adds",
)
def in_python(inputs: dict) -> dict:
    return {"trips_plus": [a + b for a, b in zip(inputs["trips"], inputs["add"])]}


@on_demand_feature_view(
    sources=[driver_stats()[["conv_rate"]]],
    schema=[Field(name="percent", dtype=Float64)],
    mode="pandas",
)
def in_pandas(inputs: pandas.DataFrame) -> pandas.DataFrame:
    return pandas.DataFrame({"percent": inputs["conv_rate"] * 100.0})


service = FeatureService(
    name="model",
    features=[
        driver_stats()[["conv_rate"]].with_name("stats").with_join_key_map({"driver_id": "who"}),
        in_python,
    ],
    description="what the model takes",
    tags={"team": "a"},
    owner="ann",
)
permissions = [
    Permission(
        name="readers",
        types=[FeatureView, FeatureService],
        name_patterns=["driver_.*"],
        policy=RoleBasedPolicy(roles=["reader"]),
        actions=[AuthzedAction.DESCRIBE, AuthzedAction.READ_ONLINE],
        required_tags={"team": "a"},
        tags={"by": "ann"},
    ),
    Permission(
        name="writers",
        types=[FeatureView],
        policy=GroupBasedPolicy(groups=["data"]),
        actions=[AuthzedAction.WRITE_ONLINE],
    ),
]

shop = store("shop")
everything = [
    *entities, driver, history, pushed, kafka, asked, total, streamed, in_python, in_pandas, service,
    *permissions,
]
shop.apply([*everything, driver_stats()])
# A second version of the view, and then an interval for it.
shop.apply([driver_stats(Field(name="city", dtype=String))])
shop.registry.apply_materialization(shop.get_feature_view("driver_stats"), "shop", START, END)
store("other").apply([Entity(name="driver", join_keys=["id"], value_type=ValueType.STRING)])
if not URL:
    (HERE / "feast-registry.db").write_bytes(path.read_bytes())
