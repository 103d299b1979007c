"""Prints the keys of Feast's own configuration classes as JSON, by the section that they are."""

import json

from feast import repo_config
from feast.infra.compute_engines.local.compute import LocalComputeEngineConfig
from feast.infra.feature_servers.base_config import (
    AuditLoggingConfig,
    FeatureLoggingConfig,
    MetricsConfig,
)
from feast.infra.feature_servers.local_process.config import LocalFeatureServerConfig
from feast.infra.offline_stores.dask import DaskOfflineStoreConfig
from feast.infra.online_stores.redis import RedisOnlineStoreConfig
from feast.infra.registry.sql import SqlRegistryConfig
from feast.infra.utils.postgres.postgres_config import PostgreSQLConfig
from feast.mlflow_integration.config import MlflowConfig
from feast.permissions.auth_model import NoAuthConfig, OidcClientAuthConfig

SECTIONS = {
    "registry file": repo_config.RegistryConfig,
    "registry sql": SqlRegistryConfig,
    "online_store redis": RedisOnlineStoreConfig,
    "offline_store dask": DaskOfflineStoreConfig,
    "offline_store postgres": PostgreSQLConfig,
    "batch_engine local": LocalComputeEngineConfig,
    "auth no_auth": NoAuthConfig,
    "auth oidc": OidcClientAuthConfig,
    "feature_server": LocalFeatureServerConfig,
    "feature_server.metrics": MetricsConfig,
    "feature_server.feature_logging": FeatureLoggingConfig,
    "feature_server.audit_logging": AuditLoggingConfig,
    "materialization": repo_config.MaterializationConfig,
    "embedding_model": repo_config.EmbeddingModelConfig,
    "openlineage": repo_config.OpenLineageConfig,
    "mlflow": MlflowConfig,
    "data_quality_monitoring": repo_config.DataQualityMonitoringConfig,
}
TYPES = {
    "online_store": repo_config.ONLINE_STORE_CLASS_FOR_TYPE,
    "offline_store": repo_config.OFFLINE_STORE_CLASS_FOR_TYPE,
    "batch_engine": repo_config.BATCH_ENGINE_CLASS_FOR_TYPE,
}
print(
    json.dumps(
        {
            "sections": {name: list(of.model_fields) for name, of in SECTIONS.items()},
            "types": {name: list(types) for name, types in TYPES.items()},
        }
    )
)
