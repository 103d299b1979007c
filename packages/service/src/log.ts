import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

export interface LoggerOptions {
  readonly name: string
  readonly level: string
  /** Fields for every line, asked for when it is written: the trace it belongs to. */
  readonly mixin?: () => object
  /** Where lines go; standard output unless given. */
  readonly destination?: DestinationStream
}

/** JSON lines with ISO times. Pretty printing belongs to a pipe: `npm start | npx pino-pretty`. */
export function createLogger({ name, level, mixin, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(mixin !== undefined && { mixin }),
    // The second fence; the first is that nobody logs headers or keys.
    redact: {
      paths: ['authorization', '*.authorization', 'req.headers.authorization', 'headers.cookie'],
      censor: '[secret]',
    },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
