# The feature server: its own secrets, and what its online store asks for.

path "secret/data/services/feature-server" {
  capabilities = ["read"]
}

path "secret/data/trading/redis" {
  capabilities = ["read"]
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
