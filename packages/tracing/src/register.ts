// The start-up file: `node --import .../packages/tracing/src/register.ts main.ts`. It must be loaded
// before the service is, so that whatever the service builds finds tracing on or off for good.
import { readSettings } from './settings.ts'

// oxlint-disable-next-line node/no-process-env -- nothing of ours has run yet that could hand it in
const settings = readSettings(process.env, process.argv[1])
if (settings !== undefined) {
  try {
    const { startTracing } = await import('./start.ts')
    startTracing(settings)
  } catch (error) {
    // A service without traces is better than none.
    process.stderr.write(`tracing did not start: ${String(error)}\n`)
  }
}
