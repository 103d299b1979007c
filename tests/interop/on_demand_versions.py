"""A Feast repository with two versions of on-demand views: on_demand_versions.py FOLDER REDIS TRANSFORMATIONS."""

import sys
from datetime import datetime, timedelta, timezone
from inspect import getsource
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.transformation.pandas_transformation import PandasTransformation
from feast.types import Float64

folder, redis, transformations = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(folder / "feature_store.yaml").write_text(
    "project: versions\nprovider: local\noffline_store: {type: dask}\n"
    f"registry: {{path: {folder}/registry.db, enable_online_feature_view_versioning: true}}\n"
    f"online_store: {{type: redis, connection_string: '{redis}'}}\n"
    f"feature_server: {{type: local, enabled: true, transformation_service_endpoint: '{transformations}'}}\n"
    "entity_key_serialization_version: 3\n"
)
at, day = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(days=1)
pd.DataFrame({"driver": [1, 2], "at": [at, at], "rate": [0.1, 0.7]}).to_parquet(folder / "rows.parquet")
driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.INT64)
stats = FeatureView(
    name="stats",
    entities=[driver],
    schema=[Field(name="rate", dtype=Float64)],
    source=FileSource(name="rows", path="rows.parquet", timestamp_field="at"),
    ttl=timedelta(0),
)


def first(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"same": inputs["rate"]})


def second(inputs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"same": inputs["rate"] * 2, "more": inputs["rate"] * 4})


def view(name, function, features, **stored):
    return OnDemandFeatureView(
        name=name,
        sources=[stats],
        schema=[Field(name=feature, dtype=Float64) for feature in features],
        mode="pandas",
        feature_transformation=PandasTransformation(udf=function, udf_string=getsource(function)),
        **stored,
    )


for function, features in [(first, ["same"]), (second, ["same", "more"])]:
    store = FeatureStore(repo_path=str(folder))
    kept = view("kept", function, features, entities=[driver], write_to_online_store=True)
    store.apply([driver, stats, view("computed", function, features), kept])
    store.materialize(at - day, at + day)
