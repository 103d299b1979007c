import { jsonFloat } from './json-text.ts'

/** As deep as Feast's own messages can be nested before it refuses to read them. */
export const MAX_DEPTH = 30

/** A JSON value as Python's `json.dumps` writes it by default; undefined where it is nested too deep. */
export function pythonJson(value: unknown, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return undefined
  if (typeof value === 'string') return ascii(value)
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) < 2 ** 53 ? String(value) : jsonFloat(value)
  if (typeof value === 'boolean' || typeof value === 'bigint' || value === null)
    return String(value)
  if (typeof value !== 'object') return undefined
  const inside = Array.isArray(value)
    ? value.map((item) => pythonJson(item, depth + 1))
    : Object.entries(value).map(([key, item]) => {
        const text = pythonJson(item, depth + 1)
        return text && `${ascii(key)}: ${text}`
      })
  if (inside.includes(undefined)) return undefined
  return Array.isArray(value) ? `[${inside.join(', ')}]` : `{${inside.join(', ')}}`
}

/** Python escapes everything beyond ASCII. */
function ascii(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
