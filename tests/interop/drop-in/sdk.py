"""Calls of Feast's SDK: a JSON list of {repository, calls} on standard input, done one after the other.

Prints for each call what the SDK returned, or the class and the message of what it raised. A value that
JSON has no word for is an object with one key: {"$bytes": base64}, {"$time": ISO}, {"$set": [...]} and
{"$pairs": [[key, value], ...]}. Each repository has a process of its own, because the SDK keeps connections
and tokens for all of a process; it is a fork, because Feast takes seconds to import.
"""

import base64
import json
import multiprocessing
import sys
import warnings
from datetime import datetime

warnings.filterwarnings("ignore")

import pandas as pd
from feast import FeatureService, FeatureStore
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus


def decoded(value):
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["$bytes"]:
        return base64.b64decode(value["$bytes"])
    if list(value) == ["$time"]:
        return datetime.fromisoformat(value["$time"])
    if list(value) == ["$set"]:
        return set(decoded(value["$set"]))
    if list(value) == ["$pairs"]:
        return {key: decoded(each) for key, each in value["$pairs"]}
    return {key: decoded(each) for key, each in value.items()}


def frame(columns):
    times = {"event_timestamp": None}
    return pd.DataFrame({name: pd.Series(decoded(values), dtype=times.get(name, object)) for name, values in columns.items()})


def read(store, entities, features=None, service=None, unknown_service=None, full_feature_names=False, as_rows=False):
    if unknown_service is not None:
        asked = FeatureService(name=unknown_service, features=[])
    else:
        asked = features if service is None else store.get_feature_service(service)
    if as_rows:
        entities = [dict(zip(entities, row)) for row in zip(*entities.values())]
    reply = store.get_online_features(features=asked, entity_rows=entities, full_feature_names=full_feature_names)
    names = reply.proto.metadata.feature_names.val
    statuses = {name: [FieldStatus.Name(s) for s in column.statuses] for name, column in zip(names, reply.proto.results)}
    return {"values": reply.to_dict(), "statuses": statuses, "rows": len(reply.to_df())}


CALLS = {
    "read": read,
    "write": lambda store, view, df: store.write_to_online_store(view, df=frame(df)),
    "push": lambda store, source, df: store.push(source, frame(df)),
    "materialize": lambda store, start, end, views: store.materialize(decoded(start), decoded(end), views),
    "materialize_incremental": lambda store, end, views: store.materialize_incremental(decoded(end), views),
}


def said_by(job):
    store = FeatureStore(repo_path=job["repository"])
    said = []
    for call in job["calls"]:
        try:
            said.append({"returned": CALLS[call.pop("do")](store, **call)})
        except Exception as error:
            said.append({"raised": type(error).__name__, "message": str(error)})
    return said


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as forks:
        json.dump(forks.map(said_by, json.load(sys.stdin), chunksize=1), sys.stdout, default=repr)
