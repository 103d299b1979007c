/**
 * Bars and macro values with every fault a feed has been seen to have, the same for the same seed.
 * Written as CSV text, because much of what is wrong with a feed cannot be said in numbers.
 */
export interface DirtyData {
  readonly bars: string
  readonly macro: string
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const SESSION_BARS = 60

/** `days` calendar days of two symbols, and macro values that begin two months before them. */
export function dirtyData(seed: number, first: string, days: number): DirtyData {
  const random = randomFrom(seed)
  const from = Date.parse(`${first}T00:00:00Z`)
  const feeds = [
    feedOf('USD/COP', from, days, 4_000, false, random),
    feedOf('EUR/COP', from + 20 * DAY_MS, days - 30, 4_500, true, random),
  ]
  return {
    bars: ['time,symbol,open,high,low,close,volume', ...interleave(feeds, random), ''].join('\n'),
    macro: macroOf(from - 60 * DAY_MS, days + 60, random),
  }
}

type Random = () => number

/** Mulberry32: small, and good enough to spoil data with. */
function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Every calendar day has bars, so that weekends and holidays must be thrown out. */
function feedOf(
  symbol: string,
  from: number,
  days: number,
  price: number,
  stillAtFirst: boolean,
  random: Random,
): string[] {
  const lines: string[] = []
  let close = price
  for (let day = 0; day < days; day++) {
    // Long enough without a move for every smoothed average to come near nothing; and from the first
    // bar on, where they are nothing.
    const still = day % 40 >= 30 || (stillAtFirst && day < 6)
    // An hour before the session and an hour after it, in some sessions.
    const [begin, end] = random() < 0.1 ? [-12, SESSION_BARS + 12] : [0, SESSION_BARS]
    let hole = 0
    for (let bar = begin; bar < end; bar++) {
      const at = from + day * DAY_MS + (13 * 60 + bar * 5) * MINUTE_MS
      if (random() < 0.005) hole = Math.ceil(random() * 15)
      if (hole-- > 0) continue
      const open = close
      if (!still) close = round(close * (1 + (random() - 0.5) * (random() < 0.002 ? 0.2 : 0.003)))
      const width = still || random() < 0.5 ? 0 : random() * 3
      const high = round(Math.max(open, close) + width)
      const low = round(Math.min(open, close) - width)
      lines.push(lineOf(at, symbol, [open, high, low, close]))
      spoil(lines, at, symbol, [open, high, low, close], random)
    }
  }
  return lines
}

/** Now and then adds a line that must be thrown out, before or after the sound ones. */
function spoil(lines: string[], at: number, symbol: string, prices: number[], random: Random) {
  const [open = 0, high = 0, low = 0, close = 0] = prices
  const next = at + 5 * MINUTE_MS
  const faults = [
    () => lineOf(at, symbol, [open * 1.01, high * 1.02, low, close]), // the same time, other prices
    () => lineOf(at - 25 * MINUTE_MS, symbol, prices), // perhaps seen, perhaps not
    () => lineOf(at - 7 * DAY_MS, symbol, prices),
    () => lineOf(next, symbol, ['NaN', high, low, close]),
    () => lineOf(next, symbol, [open, '', low, close]),
    () => lineOf(next, symbol, [open, high, 'n/a', close]),
    () => lineOf(next, symbol, [open, high, low, 'Infinity']),
    () => lineOf(next, symbol, [0, high, 0, close]),
    () => lineOf(next, symbol, [-open, high, -low, close]),
    () => lineOf(next, symbol, [open, low - 1, low - 2, close]),
    () => lineOf(next, symbol, [open, high + 2, high + 1, close]),
    () => lineOf(next + MINUTE_MS, symbol, prices),
    () => lineOf(next + 500, symbol, prices),
    () => `not a time,${symbol},${prices.join(',')},0`,
  ]
  if (random() < 0.02) lines.push(faults[Math.floor(random() * faults.length)]!())
}

function lineOf(at: number, symbol: string, prices: readonly (number | string)[]): string {
  return `${timeOf(at)},${symbol},${prices.join(',')},0`
}

/** The same instant as different sources write it: UTC twice, and Bogota. */
function timeOf(at: number): string {
  const utc = new Date(at).toISOString()
  if ((at / MINUTE_MS) % 3 === 0) return utc
  if ((at / MINUTE_MS) % 7 !== 0) return utc.replace('.000Z', '+00:00').replace('T', ' ')
  return new Date(at - 5 * 60 * MINUTE_MS).toISOString().replace('Z', '-05:00')
}

/** Each feed keeps its own order; which one speaks next is chance. */
function interleave(feeds: readonly (readonly string[])[], random: Random): string[] {
  const lines: string[] = []
  const taken = feeds.map(() => 0)
  let left = feeds.reduce((sum, feed) => sum + feed.length, 0)
  while (left > 0) {
    const pick = Math.floor(random() * feeds.length)
    const line = feeds[pick]![taken[pick]!]
    if (line === undefined) continue
    taken[pick]!++
    left--
    lines.push(line)
  }
  return lines
}

const SERIES = { dxy: 100, vix: 20, embi_col: 300, brent: 70, usdmxn: 18, ust10y: 4, col10y: 10 }

/** Daily values with days missed, a month of silence, stretches without a move, and jumps. */
function macroOf(from: number, days: number, random: Random): string {
  const names = Object.keys(SERIES)
  const values = Object.values(SERIES)
  const lines: string[] = []
  for (let day = 0; day < days; day++) {
    const cells = names.map((_name, index) => {
      const begun = day > index * 12
      const silent = day % 150 > 110 && day % 150 < 140 && index === day % 7
      const mute = index === 3 && day > 150 && day < 180
      if (!begun || silent || mute || random() < 0.25) return ''
      const flat = index === 1 && day % 200 > 90
      if (!flat) values[index]! *= 1 + (random() - 0.5) * (random() < 0.02 ? 0.5 : 0.02)
      return values[index]!.toFixed(4)
    })
    lines.push([new Date(from + day * DAY_MS).toISOString().slice(0, 10), ...cells].join(','))
  }
  // Newest first, as some vendors send it.
  return [`date,${names.join(',')}`, ...lines.reverse(), ''].join('\n')
}

function round(price: number): number {
  return Number(price.toFixed(5))
}
