import { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { Gauge, type Registry } from 'prom-client'

/** When certificates end, as a metric: what the broker was started with, and what each caller has shown last. */
export interface CertificateEnds {
  /** @param pem of a certificate of our own, `authority` or the broker's name */
  own(name: string, pem: string): void
  /** What a caller comes with, where it comes with one. */
  shown(caller: string, request: FastifyRequest): void
}

export function createCertificateEnds(registry: Registry): CertificateEnds {
  const ends = new Gauge({
    name: 'usdcop_secrets_broker_certificate_end_seconds',
    help: 'When a certificate ends, in seconds since 1970: of the broker, the authority, and each caller as shown last.',
    labelNames: ['certificate'],
    registers: [registry],
  })
  return {
    own(name, pem) {
      ends.set({ certificate: name }, new X509Certificate(pem).validToDate.getTime() / 1_000)
    },
    shown(caller, { raw: { socket } }) {
      if (!(socket instanceof TLSSocket)) return
      const { valid_to: end } = socket.getPeerCertificate()
      if (end !== undefined) ends.set({ certificate: caller }, Date.parse(end) / 1_000)
    },
  }
}
