# Of vault-init's own token, where an operator has made Vault ready: the broker's next secret id, wrapped, and nothing else.

path "auth/approle/role/secrets-broker/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/secrets-broker/secret-id" {
  capabilities     = ["update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "300s"
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
