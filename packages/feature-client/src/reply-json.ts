/** An integer that a number may not hold; strings that look like one cost time and no more. */
const LARGE_INTEGER = /(?:^|[[,:])\s*-?\d{16}/

/**
 * JSON whose integers beyond 2^53 come back as bigint, to the digit. Texts without any, so nearly all,
 * are parsed without a look at each value.
 */
export function parseReplyJson(text: string): unknown {
  return LARGE_INTEGER.test(text) ? JSON.parse(text, keepLargeIntegers) : JSON.parse(text)
}

function keepLargeIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}
