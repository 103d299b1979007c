import { Writable } from 'node:stream'
import { createLogger, type Logger, type LoggerOptions } from '../src/log.ts'

/** A logger whose lines can be read back as objects. */
export function loggerWithSink(options: Pick<LoggerOptions, 'mixin'> = {}): {
  logger: Logger
  lines: Record<string, unknown>[]
} {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return { logger: createLogger({ name: 'test', level: 'debug', destination, ...options }), lines }
}
