"""Writes 200 hours of 20 drivers: history.py FILE."""

import sys
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
hours = range(200)
table = {
    "driver_id": pa.array([1000 + i % 20 for i in hours], pa.int64()),
    "city": [f"ciudad-{i % 3}" for i in hours],
    "happened": pa.array(
        [START + timedelta(hours=i, microseconds=i) for i in hours], pa.timestamp("us", "UTC")
    ),
    "made": pa.array([START + timedelta(days=30)] * len(hours), pa.timestamp("us", "UTC")),
    "rate": [None if i == 185 else i / 3 for i in hours],
    "trips": pa.array(list(hours), pa.int64()),
    "note": [f"nota ñ {i}" for i in hours],
    "scores": pa.array([[i / 7, 1.0] for i in hours], pa.list_(pa.float32())),
    "seen": pa.array([START - timedelta(seconds=i) for i in hours], pa.timestamp("us", "UTC")),
}
pq.write_table(pa.table(table), sys.argv[1])
