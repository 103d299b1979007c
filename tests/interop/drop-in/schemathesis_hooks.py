"""Every other body names what the repository has, so that what lies behind the names is reached as well."""

import json

import schemathesis

TIME = "2025-03-03T15:30:00Z"
KNOWN = {
    "/get-online-features": {
        "feature_service": None,
        "features": ["driver_stats:trips", "driver_customer:rating"],
        "entities": {"driver_id": [1, 2], "customer_id": ["c-0", "c-1"]},
    },
    "/push": {
        "push_source_name": "driver_push",
        "df": {"driver_id": [1], "conv_rate": [0.5], "acc_rate": [None], "trips": [1], "event_timestamp": [TIME]},
    },
    "/write-to-online-store": {
        "feature_view_name": "station_level",
        "df": {"station_id": [1], "level": [0.5], "event_timestamp": [TIME]},
    },
    "/materialize": {"start_ts": TIME, "end_ts": "2025-03-04", "feature_views": ["station_level"], "version": None},
    "/materialize-incremental": {"end_ts": TIME, "feature_views": ["station_level"], "version": None},
}


@schemathesis.hook
def map_body(context, body):
    known = KNOWN.get(context.operation.path)
    if known is None or not isinstance(body, dict) or len(json.dumps(body, default=str)) % 2 == 1:
        return body
    return {**body, **known}
