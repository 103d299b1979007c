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

/**
 * Standard output, written to at once: a line is with the system when the call that logs it returns. Pino's own choice hands
 * lines to a thread, and a process that is killed loses those that it still has.
 */
export function openOutput(): DestinationStream {
  return pino.destination({ dest: process.stdout.fd, sync: true })
}

/** What lines of a logger are made of, for one who makes its own because they are many. */
export interface LineParts {
  /** What every line says of its process, in JSON without the braces: `"pid":1,"name":"secrets-broker"`. */
  readonly bindings: string
  readonly mixin: () => object
  /** Writes whole lines, each with its newline, to where the logger's own go. */
  readonly write: (lines: string) => void
}

export function linePartsOf(logger: Logger): LineParts {
  const inner = logger as unknown as Readonly<Record<symbol, unknown>>
  const stream = inner[pino.symbols.streamSym] as DestinationStream
  const mixin = inner[pino.symbols.mixinSym] as (() => object) | undefined
  return {
    // `bindings()` leaves out process and host. This begins with a comma.
    bindings: String(inner[pino.symbols.chindingsSym]).slice(1),
    mixin: mixin ?? (() => ({})),
    write: (lines) => stream.write(lines),
  }
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
