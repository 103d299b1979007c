# The secrets broker: it hands out secret ids, wrapped, and reads no service's secret but the one that it rotates. It may
# ask for no secret id that is not wrapped, and one that it opened itself is seen by whoever should have opened it: that can be
# done once.

path "secret/data/services/secrets-broker" {
  capabilities = ["read"]
}

# Redis' password, which it makes anew there and in Redis.
path "secret/data/trading/redis" {
  capabilities = ["read", "update"]
}

path "auth/approle/role/feature-server/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/feature-server/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "300s"
}

path "auth/approle/role/materializer/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/materializer/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "300s"
}

path "auth/approle/role/inference-gateway/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/inference-gateway/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "300s"
}

path "auth/approle/role/demo-feed/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/demo-feed/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "300s"
}

# Its own secret id it makes anew before the old one ends.
path "auth/approle/role/secrets-broker/secret-id" {
  capabilities = ["update"]
}

path "auth/approle/role/secrets-broker/secret-id/lookup" {
  capabilities = ["update"]
}

path "auth/approle/role/secrets-broker/secret-id-accessor/destroy" {
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
