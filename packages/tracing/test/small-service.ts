// A service as small as can be, for register.test.ts, which runs it with the start-up file in front.
import Fastify from 'fastify'
import { attachTracing } from '../src/lifetime.ts'
import { traceFields } from '../src/log-fields.ts'
import { traceRequests } from '../src/requests.ts'
import { loaded } from './record-loads.ts'

const closing: (() => Promise<void>)[] = []
const tell = (fields: object, message: string) =>
  void process.stdout.write(`${JSON.stringify({ ...fields, message })}\n`)

attachTracing({ onClose: (_name, close) => void closing.push(close) }, { info: tell, warn: tell })
const app = Fastify()
traceRequests(app)
app.post('/push', async () => traceFields())
const url = await app.listen({ host: '127.0.0.1', port: 0 })
closing.unshift(() => app.close())

process.once('SIGTERM', () => void end())
process.send?.({ url, loaded })

async function end(): Promise<void> {
  for (const close of closing) await close()
  process.exit(0)
}
