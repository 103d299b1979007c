# The trading services: read their own secrets, look after their own token, nothing else. The default policy is
# not given to them, so what a token may do with itself stands here.

path "secret/data/trading/*" {
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
