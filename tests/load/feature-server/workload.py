"""Feast's own benchmark workload: workload.py REPOSITORY REDIS_ADDRESS

Writes a Feast repository of 250 int64 features in 25 views and five services, applies it, and has Feast
write the rows to Redis: 10,000 draws of an id from 1 to 9,999, so that about 37 % of all ids have no row.
"""

import random
import sys
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

warnings.filterwarnings("ignore")

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Int64

repository, redis = Path(sys.argv[1]), sys.argv[2]
(repository / "feature_store.yaml").write_text(
    f"""project: feature_server_bench
provider: local
registry: registry.db
online_store:
  type: redis
  connection_string: {redis}
  skip_dedup: true
offline_store:
  type: file
entity_key_serialization_version: 3
"""
)

entity = Entity(name="entity", value_type=ValueType.INT64)
source = FileSource(name="generated", path="generated.parquet", timestamp_field="event_timestamp")
views = [
    FeatureView(
        name=f"feature_view_{view}",
        entities=[entity],
        ttl=timedelta(days=3),
        schema=[Field(name="entity", dtype=Int64)]
        + [Field(name=f"feature_{10 * view + i}", dtype=Int64) for i in range(10)],
        source=source,
    )
    for view in range(25)
]
services = [
    FeatureService(name=f"feature_service_{features}", features=views[: features // 10])
    for features in range(50, 251, 50)
]

draw = random.Random(0)
now = datetime.now(timezone.utc)
ids = sorted({draw.randint(1, 9_999) for _ in range(10_000)})
columns = {f"feature_{i}": [draw.randint(0, 2**31) for _ in ids] for i in range(250)}
frame = pd.DataFrame({"entity": ids, "event_timestamp": now, **columns})
frame.to_parquet(repository / "generated.parquet")

store = FeatureStore(repo_path=str(repository))
store.apply([entity, *views, *services])
for view in views:
    names = [feature.name for feature in view.features]
    store.write_to_online_store(view.name, frame[["entity", "event_timestamp", *names]])
