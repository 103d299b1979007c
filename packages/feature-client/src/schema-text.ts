import type { FeatureSchema } from './schema.ts'

/** A schema as a TypeScript module that needs no other: a constant and its type. */
export function schemaText(schema: FeatureSchema): string {
  const name = `${camelCase(schema.project)}Features`
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`
  return [
    `// What the project ${schema.project} serves, written by \`usdcop feast client-types\` from its registry:`,
    '// not to be edited. It is the `schema` of `createFeatureClient`, from @usdcop/feature-client/client.',
    '',
    `export const ${name} = ${objectText(schema, '')} as const`,
    '',
    `export type ${type} = typeof ${name}`,
    '',
  ].join('\n')
}

/** `usdcop_trading` → `usdcopTrading`; a name of Feast's may begin with a digit, one of ours not. */
function camelCase(project: string): string {
  const [first = '', ...words] = project.split('_').filter((word) => word !== '')
  const capital = (word: string) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`
  const start = /^\d/.test(first)
    ? `project${first}`
    : first.slice(0, 1).toLowerCase() + first.slice(1)
  return [start, ...words.map(capital)].join('')
}

function objectText(value: object, indent: string): string {
  const fields = Object.entries(value) as [string, object | string][]
  if (fields.length === 0) return '{}'
  const inner = `${indent}  `
  const lines = fields.map(([key, field]) => {
    const text = typeof field === 'string' ? quoted(field) : objectText(field, inner)
    return `${inner}${keyText(key)}: ${text},\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

function keyText(key: string): string {
  // As a plain key it would set the prototype.
  if (key === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key)
}

/** Names come from a registry that anybody may have written: nothing in them ends the literal. */
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1)
  return `'${inner.replaceAll(/\\.|'/g, (part) => QUOTES.get(part) ?? part)}'`
}

const QUOTES = new Map([
  ["'", "\\'"],
  ['\\"', '"'],
])
