import { booleanFault, booleanOf, type Fault, faultsOf } from './body.ts'
import { isObject } from './online-request.ts'

type Body = Readonly<Record<string, unknown>>

/** Reads a body field by field in the words of Feast's server; `end` throws every fault at once. */
export interface Fields {
  text(name: string): string
  /** Undefined for null too. */
  optionalText(name: string): string | undefined
  optionalTexts(name: string): readonly string[] | undefined
  object(name: string): Body
  boolean(name: string, standard: boolean): boolean
  /** @throws BodyError when any field did not fit */
  end(): void
}

export function fieldsOf(body: Body): Fields {
  const faults: Fault[] = []
  return {
    text(name) {
      const value = body[name]
      if (value === undefined) faults.push(faultsOf.missing([name], body))
      else if (typeof value !== 'string') faults.push(faultsOf.text([name], value))
      return value as string
    },
    optionalText(name) {
      const value = body[name] ?? undefined
      if (value !== undefined && typeof value !== 'string')
        faults.push(faultsOf.text([name], value))
      return value as string | undefined
    },
    optionalTexts(name) {
      const value = body[name] ?? undefined
      if (value === undefined) return undefined
      if (!Array.isArray(value)) {
        faults.push(faultsOf.list([name], value))
        return undefined
      }
      for (const [index, item] of value.entries())
        if (typeof item !== 'string') faults.push(faultsOf.text([name, index], item))
      return value as string[]
    },
    object(name) {
      const value = body[name]
      if (value === undefined) faults.push(faultsOf.missing([name], body))
      else if (!isObject(value)) faults.push(faultsOf.dict([name], value))
      return value as Body
    },
    boolean(name, standard) {
      const value = body[name]
      if (value === undefined) return standard
      const read = booleanOf(value)
      if (read === undefined) faults.push(booleanFault([name], value))
      return read ?? standard
    },
    end() {
      if (faults.length > 0) throw faultsOf.error(faults)
    },
  }
}
