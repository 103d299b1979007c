"""A repository with one of everything that the verbs list and describe."""

from datetime import timedelta

import pandas as pd
from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    Project,
    PushSource,
    RequestSource,
    StreamFeatureView,
    ValueType,
)
from feast.data_format import JsonFormat
from feast.data_source import KafkaSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import RoleBasedPolicy
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp

project = Project(
    name="drivers",
    description="Drivers, and what is known of them",
    tags={"team": "a"},
    owner="ann@example.com",
)

driver = Entity(
    name="driver",
    join_keys=["driver_id"],
    value_type=ValueType.INT64,
    description="who drives: a person with a licence that fills more than one line of text here",
    tags={"team": "a", "10": "yes", "null": "~"},
    owner="ann@example.com",
)
city = Entity(name="city", join_keys=["city"], value_type=ValueType.STRING)

history = FileSource(
    name="driver_history",
    path="data/history.parquet",
    timestamp_field="happened",
    created_timestamp_column="made",
    field_mapping={"rate": "conv_rate"},
    description="hourly",
)
push = PushSource(name="driver_push", batch_source=history)
kafka = KafkaSource(
    name="driver_stream",
    kafka_bootstrap_servers="localhost:9092",
    topic="drivers",
    timestamp_field="happened",
    batch_source=history,
    message_format=JsonFormat(schema_json="driver_id integer, happened timestamp, rate double"),
    watermark_delay_threshold=timedelta(minutes=5),
)
asked = RequestSource(name="asked", schema=[Field(name="bonus", dtype=Float64)])

stats = FeatureView(
    name="driver_stats",
    entities=[driver],
    ttl=timedelta(days=3650, seconds=1),
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(
            name="conv_rate",
            dtype=Float64,
            description="share of trips: kept",
            tags={"pii": "no"},
        ),
        Field(name="trips", dtype=Int64),
        Field(name="note", dtype=String),
        Field(name="scores", dtype=Array(Float32)),
        Field(name="seen", dtype=UnixTimestamp),
    ],
    source=history,
    tags={"team": "a", "level": "gold"},
    description="# not a comment",
    owner="bob@example.com",
)
pushed = FeatureView(
    name="pushed_stats",
    entities=[driver, city],
    schema=[
        Field(name="driver_id", dtype=Int64),
        Field(name="city", dtype=String),
        Field(name="trips", dtype=Int64),
    ],
    source=push,
    online=False,
)
nobody = FeatureView(
    name="all_stats",
    entities=[],
    schema=[Field(name="trips", dtype=Int64)],
    source=history,
)


@on_demand_feature_view(
    sources=[stats, asked],
    schema=[Field(name="rate_and_bonus", dtype=Float64)],
    mode="python",
    description="adds what was asked",
    tags={"team": "b"},
)
def with_bonus(inputs):
    return {"rate_and_bonus": [r + b for r, b in zip(inputs["conv_rate"], inputs["bonus"])]}


@on_demand_feature_view(
    sources=[asked],
    schema=[Field(name="double_bonus", dtype=Float64)],
    mode="pandas",
)
def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["double_bonus"] = inputs["bonus"] * 2
    return out


def keep(frame):
    return frame


streamed = StreamFeatureView(
    name="streamed_stats",
    entities=[driver],
    ttl=timedelta(hours=1),
    schema=[Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=Int64)],
    source=kafka,
    timestamp_field="happened",
    mode="pandas",
    udf=keep,
    tags={"team": "a"},
)

service = FeatureService(
    name="driver_service",
    features=[stats[["conv_rate", "trips"]].with_name("renamed"), with_bonus],
    tags={"team": "a"},
    description="for the model",
)
everything = FeatureService(name="everything", features=[stats, nobody, doubled])

readers = Permission(
    name="readers",
    types=[FeatureView, FeatureService],
    name_patterns=["driver_.*", "all_stats"],
    policy=RoleBasedPolicy(roles=["reader", "admin"]),
    actions=[AuthzedAction.DESCRIBE, AuthzedAction.READ_ONLINE],
    required_tags={"team": "a"},
)
admins = Permission(
    name="admins",
    policy=RoleBasedPolicy(roles=["admin"]),
    actions=[AuthzedAction.DELETE],
)
