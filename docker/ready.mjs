// The container's health check: is the service on $PORT ready? Says what is not.
// Node's http and not fetch, which refuses to speak to port 6566.
import { get } from 'node:http'
import { text } from 'node:stream/consumers'

const asked = get({ port: process.env.PORT, path: '/readyz', timeout: 3_000 }, async (answer) => {
  process.stdout.write(`${answer.statusCode} ${await text(answer)}\n`)
  process.exitCode = answer.statusCode === 200 ? 0 : 1
})
asked.on('timeout', () => asked.destroy(new Error('no answer within 3 s')))
asked.on('error', (error) => {
  process.stdout.write(`${error.message}\n`)
  process.exitCode = 1
})
