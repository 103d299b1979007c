# The inference gateway: its own secrets, where models are kept, a database user, and the key that signs decisions, which
# it uses and never sees.

path "secret/data/services/inference-gateway" {
  capabilities = ["read"]
}

path "secret/data/trading/minio" {
  capabilities = ["read"]
}

# A database user of its own. It may renew and revoke the leases of these users alone.
path "database/creds/inference-gateway" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id"  = ["database/creds/inference-gateway/*"]
    "increment" = []
  }
}

path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id" = ["database/creds/inference-gateway/*"]
  }
}

path "transit/sign/decisions" {
  capabilities = ["update"]
}

path "transit/verify/decisions" {
  capabilities = ["update"]
}

path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
