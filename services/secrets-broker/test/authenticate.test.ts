import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { bearer, TOKENS, testBroker } from './test-broker.ts'

/** Asks over one connection alone, whoever it is that asks. */
async function oneConnection() {
  const { app, lines } = testBroker()
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let connections = 0
  app.server.on('connection', () => (connections += 1))
  onTestFinished(async () => {
    agent.destroy()
    await app.close()
  })
  return {
    connections: () => connections,
    ask: async (headers: Readonly<Record<string, string>>) => {
      const sent = get(`${address}/v1/secrets/a`, { agent, headers })
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'end')
      return [response.statusCode, lines.audits().at(-1)?.['caller']]
    },
  }
}

test('looks at what is shown with each request, also on a connection that it knows', async () => {
  const { ask, connections } = await oneConnection()
  const alpha = [200, 'alpha']
  expect(await ask(bearer(TOKENS.alpha))).toEqual(alpha)
  expect(await ask(bearer(TOKENS.alpha))).toEqual(alpha)
  // Known, and with no right to read here.
  expect(await ask(bearer(TOKENS.beta))).toEqual([403, 'beta'])
  expect(await ask(bearer(`${TOKENS.alpha}x`))).toEqual([401, 'unknown'])
  expect(await ask({})).toEqual([401, 'unknown'])
  expect(await ask(bearer(TOKENS.alpha))).toEqual(alpha)
  expect(connections()).toBe(1)
})
