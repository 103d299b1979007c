// The container's health check: is the service on $PORT ready? Says what is not.
// Node's http and not fetch, which refuses to speak to port 6566.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { get as getSecurely } from 'node:https'
import { text } from 'node:stream/consumers'

const { PORT: port, TLS_CERT_FILE: certificate, CLIENT_CA_FILE: authority } = process.env
const options = { port, path: '/readyz', timeout: 3_000 }
// Whoever speaks TLS here is signed by the authority whose callers it knows.
const asked =
  certificate === undefined
    ? get(options, answered)
    : getSecurely({ ...options, ca: readFileSync(authority ?? certificate) }, answered)
asked.on('timeout', () => asked.destroy(new Error('no answer within 3 s')))
asked.on('error', (error) => {
  process.stdout.write(`${error.message}\n`)
  process.exitCode = 1
})

async function answered(answer) {
  process.stdout.write(`${answer.statusCode} ${await text(answer)}\n`)
  process.exitCode = answer.statusCode === 200 ? 0 : 1
}
