"""What Feast makes of a registry: written_registry.py FOLDER, with a JSON list of feature lists on standard input.

Prints its version history of the view `stats`, and what each list of features gives for three drivers."""

import json
import sys

from feast import FeatureStore

store = FeatureStore(repo_path=sys.argv[1])
versions = [
    {
        "version": each["version"],
        "type": each["feature_view_type"],
        "id": len(each["version_id"]),
        "features": [f.name for f in store.registry.get_feature_view_by_version("stats", store.project, each["version_number"]).features],
    }
    for each in store.list_feature_view_versions("stats")
]
view = store.get_feature_view("stats")
json.dump(
    {
        "versions": versions,
        "now": view.current_version_number,
        "intervals": len(view.materialization_intervals),
        "reads": [
            store.get_online_features(features=features, entity_rows=[{"driver_id": i} for i in (1, 2, 3)]).to_dict()
            for features in json.load(sys.stdin)
        ],
    },
    sys.stdout,
)
