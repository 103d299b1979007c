import { constants } from 'node:crypto'
import type { ServerOptions } from 'node:https'

export interface TlsFiles {
  /** PEM texts. */
  readonly certificate: string
  readonly key: string
  /** Who signs callers' certificates; without it none is asked for. */
  readonly clientCa: string | undefined
  /** Which of them are withdrawn: a list of each authority. */
  readonly clientCrl: string | undefined
}

/** Node reads one list of a text, and an authority whose list it has not lets nobody in. */
const LIST = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g
const HANDSHAKE_TIMEOUT_MS = 10_000

/**
 * TLS as the broker speaks it. A client certificate is asked for and verified; whoever has none may still show a token, and
 * one that does not hold is refused with an answer, where a broken handshake would only puzzle.
 */
export function tlsOptions({ certificate, key, clientCa, clientCrl }: TlsFiles): ServerOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    // No session is resumed: a resumed one would bring a certificate that nobody has verified since. Nor is one renegotiated:
    // a connection's certificate is read once.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...(clientCa !== undefined && {
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      ...(clientCrl !== undefined && { crl: clientCrl.match(LIST) ?? [clientCrl] }),
    }),
  }
}
