# Whoever orchestrates jobs beside the platform: its own secrets, and of trading only what a job connects with.

path "secret/data/airflow" {
  capabilities = ["read"]
}

path "secret/data/airflow/*" {
  capabilities = ["read"]
}

path "secret/data/trading/database" {
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
