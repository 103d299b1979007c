# The materializer: its own secrets, the online store, a database user, and the keys of the market data provider.

path "secret/data/services/materializer" {
  capabilities = ["read"]
}

path "secret/data/trading/redis" {
  capabilities = ["read"]
}

path "secret/data/trading/twelvedata" {
  capabilities = ["read"]
}

path "secret/data/trading/twelvedata/*" {
  capabilities = ["read"]
}

# A database user of its own. It may renew and revoke the leases of these users alone.
path "database/creds/materializer" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id"  = ["database/creds/materializer/*"]
    "increment" = []
  }
}

path "sys/leases/revoke" {
  capabilities = ["update"]
  allowed_parameters = {
    "lease_id" = ["database/creds/materializer/*"]
  }
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
