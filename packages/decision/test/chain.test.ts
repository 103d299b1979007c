import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CanonicalError, canonicalJson, type Json } from '../src/canonical.ts'
import { type EntryContent, GENESIS, type LedgerEntry, link, verifyChain } from '../src/chain.ts'

const contents: readonly EntryContent[] = [
  {
    kind: 'decision',
    symbol: 'USD/COP',
    barTime: 1,
    trigger: 'bar',
    content: { action: 0.25, reasons: [] },
  },
  { kind: 'fill', symbol: 'USD/COP', barTime: 2, trigger: 'bar', content: { price: 4_000.5 } },
  {
    kind: 'decision',
    symbol: 'USD/COP',
    barTime: 2,
    trigger: 'bar',
    content: { reasons: ['gap'] },
  },
]
const entries = link(GENESIS, contents)

describe('the chain', () => {
  test('links contents to what came before, and says the same in column and body', () => {
    expect(entries.map(({ seq, id }) => ({ seq, id }))).toEqual([
      { seq: 1, id: 'decision-1' },
      { seq: 2, id: 'fill-2' },
      { seq: 3, id: 'decision-3' },
    ])
    expect(entries[0]?.body).toBe(
      '{"barTime":1,"content":{"action":0.25,"reasons":[]},"id":"decision-1","kind":"decision","seq":1,"symbol":"USD/COP","trigger":"bar"}',
    )
    expect(verifyChain(entries)).toEqual({ ok: true, head: { seq: 3, hash: entries[2]?.hash } })
  })

  test('is the same however the contents are divided', () => {
    const first = link(GENESIS, contents.slice(0, 1))
    const rest = link({ seq: 1, hash: first[0]!.hash }, contents.slice(1))
    expect([...first, ...rest]).toEqual(entries)
    expect(verifyChain(rest, { seq: 1, hash: first[0]!.hash })).toMatchObject({ ok: true })
  })

  test('names the entry in which any one byte was changed', () => {
    for (const [i, entry] of entries.entries()) {
      const text = Buffer.from(JSON.stringify(entry))
      for (let at = 0; at < text.length; at += 1) {
        const damaged = Buffer.from(text)
        damaged[at] = text[at]! ^ 1
        const read = readEntry(damaged)
        if (read === undefined) continue
        expect(verifyChain(entries.with(i, read))).toMatchObject({ ok: false, brokenAt: i + 1 })
      }
    }
  })

  test.for([
    { name: 'the first', list: entries.slice(1), brokenAt: 1 },
    { name: 'one between', list: entries.toSpliced(1, 1), brokenAt: 2 },
  ])('notices that $name entry was taken out', ({ list, brokenAt }) => {
    expect(verifyChain(list)).toMatchObject({ ok: false, brokenAt })
  })

  test('notices two entries exchanged, and one repeated', () => {
    const [a, b, c] = entries as [LedgerEntry, LedgerEntry, LedgerEntry]
    expect(verifyChain([a, c, b])).toMatchObject({ ok: false, brokenAt: 2 })
    expect(verifyChain([a, b, b, c])).toMatchObject({ ok: false, brokenAt: 3 })
  })
})

/** The entry a damaged line still reads as; undefined where it is no entry any more, or the same. */
function readEntry(text: Buffer): LedgerEntry | undefined {
  try {
    const entry = JSON.parse(text.toString()) as LedgerEntry
    const names = Object.keys(entries[0]!)
    return names.every((name) => name in entry) ? entry : undefined
  } catch {
    return undefined
  }
}

describe('canonical JSON', () => {
  test.for<{ value: Json; text: string }>([
    { value: { b: 1, a: [true, null, 'é"'] }, text: '{"a":[true,null,"é\\""],"b":1}' },
    { value: { '10': 0, '9': 0, A: 0, a: 0 }, text: '{"10":0,"9":0,"A":0,"a":0}' },
    { value: [0.1, 1e21, 5e-324, 1_700_000_000_000], text: '[0.1,1e+21,5e-324,1700000000000]' },
    { value: -0, text: '0' },
  ])('writes $text', ({ value, text }) => {
    expect(canonicalJson(value)).toBe(text)
  })

  test.for([Number.NaN, Infinity, undefined, () => 0, 1n])('refuses %s', (value) => {
    expect(() => canonicalJson({ a: [value as Json] })).toThrow(CanonicalError)
  })

  test('keeps every float64 and does not depend on key order', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), finite), (value) => {
        const text = canonicalJson(value)
        const back = JSON.parse(text) as Record<string, number>
        for (const [key, number] of Object.entries(value)) expect(back[key]! + 0).toBe(number + 0)
        expect(canonicalJson(Object.fromEntries(Object.entries(value).toReversed()))).toBe(text)
      }),
    )
  })
})
