# Vault in production, one node; OpenBao takes the same file. Initialising and unsealing are an operator's steps:
# docs/stack.md. In development the server runs without a file, in memory and unsealed.

storage "raft" {
  path    = "/vault/file"
  node_id = "vault-1"
}

listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "127.0.0.1:8201"
  tls_cert_file   = "/vault/tls/tls.crt"
  tls_key_file    = "/vault/tls/tls.key"
  tls_min_version = "tls12"
}

api_addr     = "https://vault:8200"
cluster_addr = "https://127.0.0.1:8201"

# Raft maps its store into memory, and a container without privileges may not lock it. Keep swap off on the host.
disable_mlock = true
ui            = false

# OpenBao takes its audit devices from here alone; Vault warns that it does not know this, and takes them from its API alone,
# where scripts/vault/init_vault.sh makes one. A device that cannot write stops every request.
audit "file" "file" {
  options {
    file_path = "/vault/logs/audit.log"
  }
}

telemetry {
  prometheus_retention_time = "1h"
  disable_hostname          = true
}
