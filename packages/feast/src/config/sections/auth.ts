import { z } from 'zod'
import type { AuthConfig } from '../repo-config.ts'
import { asSection, textIn, unread } from './section.ts'

const Oidc = z.strictObject({
  type: z.literal('oidc'),
  auth_discovery_url: z.string({
    error: 'is needed: without it the section is that of a client, who only sends tokens',
  }),
  client_id: z.string().nullish(),
  audience: z.string().nullish(),
  issuer: z.string().nullish(),
  verify_ssl: z.boolean().default(true),
  ca_cert_path: z.string().optional(),
  jwks_cache_lifespan_seconds: z.int().positive().default(300),
  jwks_request_timeout_seconds: z.number().positive().default(10),
  // Of Feast's UI, and of clients that share the file with the server: how they come by a token.
  ...unread(
    'ui_client_id',
    'client_secret',
    'username',
    'password',
    'token',
    'token_env_var',
    'token_refresh_margin_seconds',
  ),
})

export const Auth = z.preprocess(
  asSection,
  z.discriminatedUnion('type', [z.strictObject({ type: z.literal('no_auth') }), Oidc], {
    error: ({ input }) =>
      textIn(input, 'type') === 'kubernetes'
        ? 'tokens of Kubernetes are not read here: use oidc'
        : 'a section of the type no_auth or oidc is needed',
  }),
)

export function authOf(auth: z.output<typeof Auth>): AuthConfig {
  if (auth.type === 'no_auth') return auth
  return {
    type: 'oidc',
    discoveryUrl: auth.auth_discovery_url,
    clientId: auth.client_id ?? undefined,
    audience: auth.audience ?? undefined,
    issuer: auth.issuer ?? undefined,
    verifySsl: auth.verify_ssl,
    caCertPath: auth.ca_cert_path || undefined,
    jwksCacheMs: auth.jwks_cache_lifespan_seconds * 1_000,
    timeoutMs: auth.jwks_request_timeout_seconds * 1_000,
  }
}
