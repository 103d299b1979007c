import type { ValueType } from '@usdcop/feast/wire/value-types'
import { ServiceError } from '@usdcop/service/errors'

/** A number's text that `JSON.stringify` writes as it stands. */
declare global {
  interface JSON {
    rawJSON(text: string): object
  }
}

/**
 * A value as `JSON.stringify` writes it for Feast: integers to the digit, times as what their type reads.
 * @param name of the column, for errors
 * @throws ServiceError `invalid_request` for what JSON cannot hold: it would be written as a null
 */
export function writeValue(value: unknown, type: ValueType | undefined, name: string): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value
      throw unfit(name, String(value))
    case 'bigint':
      return JSON.rawJSON(String(value))
    case 'object':
      return value === null ? null : writeObject(value, type, name)
    case 'undefined':
    case 'function':
    case 'symbol':
      throw unfit(name, `a value of the type ${typeof value}`)
  }
}

function writeObject(value: object, type: ValueType | undefined, name: string): unknown {
  if (value instanceof Date) return writeDate(value, type, name)
  if (Array.isArray(value)) {
    const item = type?.startsWith('UNIX_TIMESTAMP_') ? 'UNIX_TIMESTAMP' : undefined
    return value.map((each) => writeValue(each, item, name))
  }
  if (ArrayBuffer.isView(value)) throw unfit(name, 'a value of bytes')
  const fields = Object.entries(value).map(
    ([key, field]) => [key, writeValue(field, undefined, name)] as const,
  )
  return Object.fromEntries(fields)
}

function writeDate(date: Date, type: ValueType | undefined, name: string): unknown {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw unfit(name, 'a Date that is none')
  return type === 'UNIX_TIMESTAMP' ? Math.floor(ms / 1_000) : date.toISOString()
}

function unfit(name: string, what: string): ServiceError {
  return new ServiceError('invalid_request', `${name}: ${what} cannot be sent as JSON`)
}
