// What the broker cannot be faster than: floor.ts PORT ANSWER_FILE [TLS_FOLDER]. A Fastify route of one line, without a logger, that
// answers the head and the body of a file, JSON `{"headers": {…}, "body": "…"}`; with a folder over the broker's own TLS.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tlsOptions } from '@usdcop/secrets-broker/tls'
import Fastify, { type FastifyInstance } from 'fastify'

const [port, answerFile = '', folder] = process.argv.slice(2)
const { headers, body } = JSON.parse(await readFile(answerFile, 'utf8')) as {
  headers: Record<string, string>
  body: string
}

const tls = folder === undefined ? undefined : await readTls(folder)
const app: FastifyInstance = tls === undefined ? Fastify() : Fastify({ https: tls })
app.get('/v1/secrets/*', (_request, reply) => reply.headers(headers).send(body))
await app.listen({ host: '127.0.0.1', port: Number(port) })

async function readTls(from: string) {
  const text = (name: string) => readFile(join(from, name), 'utf8')
  const [certificate, key, clientCa] = await Promise.all(
    ['broker.crt', 'broker.key', 'ca.crt'].map(text),
  )
  return tlsOptions({
    certificate: certificate ?? '',
    key: key ?? '',
    clientCa,
    clientCrl: undefined,
  })
}
