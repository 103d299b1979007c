import { z } from 'zod'

/** One complaint about a body, in the words of the validator Feast's server uses. */
export interface Fault {
  readonly type: string
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly input: unknown
  readonly ctx?: unknown
}

/** A body that does not fit its schema; answered with 422 and `{"detail":[…]}`. */
export class BodyError extends Error {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super('the body does not fit its schema')
    this.name = 'BodyError'
    this.faults = faults
  }
}

type Place = Fault['loc']

export const faultsOf = {
  missing: (loc: Place, input: unknown): Fault => ({
    type: 'missing',
    loc,
    msg: 'Field required',
    input,
  }),
  dict: (loc: Place, input: unknown): Fault => ({
    type: 'dict_type',
    loc,
    msg: 'Input should be a valid dictionary',
    input,
  }),
  list: (loc: Place, input: unknown): Fault => ({
    type: 'list_type',
    loc,
    msg: 'Input should be a valid list',
    input,
  }),
  text: (loc: Place, input: unknown): Fault => ({
    type: 'string_type',
    loc,
    msg: 'Input should be a valid string',
    input,
  }),
  error: (faults: readonly Fault[]): BodyError =>
    new BodyError(faults.map((fault) => ({ ...fault, loc: ['body', ...fault.loc] }))),
}

const TRUE = new Set(['true', '1', 'yes', 'on', 't', 'y'])
const FALSE = new Set(['false', '0', 'no', 'off', 'f', 'n'])

/** Feast's server takes these for booleans too. */
export function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 1) return value === 1
  if (typeof value !== 'string') return undefined
  const text = value.toLowerCase()
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : undefined
}

export const schemaBoolean = z.unknown().transform((value, context) => {
  const read = booleanOf(value)
  if (read !== undefined) return read
  context.addIssue('expected a boolean')
  return z.NEVER
})

export function booleanFault(loc: Place, input: unknown): Fault {
  return typeof input === 'string' || typeof input === 'number'
    ? {
        type: 'bool_parsing',
        loc,
        msg: 'Input should be a valid boolean, unable to interpret input',
        input,
      }
    : { type: 'bool_type', loc, msg: 'Input should be a valid boolean', input }
}

/** A route whose body is read as text; undefined where a request has none. */
export interface TextRoute {
  Body: string | undefined
}

/**
 * Parses a body whatever its content type: older Feast clients send none at all. Integers beyond 2^53
 * come back as bigint.
 * @throws BodyError when it is empty, no JSON, or no object
 */
export function parseBody(text = ''): Readonly<Record<string, unknown>> {
  if (text === '') throw faultsOf.error([faultsOf.missing([], null)])
  const body = parseJson(text)
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>
  const type = 'model_attributes_type'
  const msg = 'Input should be a valid dictionary or object to extract fields from'
  throw faultsOf.error([{ type, loc: [], msg, input: body }])
}

function parseJson(text: string): unknown {
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const at = Number(/position (?<at>\d+)/.exec(cause.message)?.groups?.['at'] ?? text.length)
    const type = 'json_invalid'
    const ctx = { error: cause.message }
    throw faultsOf.error([{ type, loc: [at], msg: 'JSON decode error', input: {}, ctx }])
  }
}

function keepLargeIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}
