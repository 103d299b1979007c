# Of the token that an operator keeps when the root token is revoked: to begin a root token anew, which takes the unseal keys of
# a quorum. Without one neither server lets the keys do that: OpenBao asks the first two paths, Vault the next two.

path "sys/generate-root-token/attempt" {
  capabilities = ["create", "read", "update", "delete"]
}

path "sys/generate-root-token/update" {
  capabilities = ["create", "update"]
}

path "sys/generate-root/attempt" {
  capabilities = ["create", "read", "update", "delete", "sudo"]
}

path "sys/generate-root/update" {
  capabilities = ["create", "update", "sudo"]
}

path "sys/decode-token" {
  capabilities = ["create", "update"]
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
