"""Another project with the same registry and the same Redis."""

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
stats = FeatureView(
    name="driver_stats",
    entities=[driver],
    schema=[Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=Int64)],
    source=FileSource(
        name="driver_history",
        path="../drivers/data/history.parquet",
        timestamp_field="happened",
        created_timestamp_column="made",
    ),
)
