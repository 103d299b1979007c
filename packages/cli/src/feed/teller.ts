import { createLogger } from '@usdcop/service/log'
import { createProgress } from '../progress.ts'
import type { World } from '../world.ts'
import type { FeedReport } from './feed.ts'
import type { FeedCounts } from './tally.ts'

export interface FeedStart {
  readonly to: string
  /** The market's time and pace. */
  readonly now: string
  readonly speed: number
  /** First session of the history. */
  readonly from: string
  readonly bars: number
  readonly values: number
}

/** Tells what a feed does. */
export interface FeedTeller {
  started(start: FeedStart): void
  readonly report: (report: FeedReport) => void
  /** @param once it was to send what is due, and no more */
  ended(counts: FeedCounts, once: boolean): void
  stopped(): void
  /** Gives the terminal back. */
  close(): void
}

/** In words, with a bar on a terminal while it loads. */
export function createFeedTeller({ stdout, stderr }: Pick<World, 'stdout' | 'stderr'>): FeedTeller {
  const progress = createProgress(stderr, 'rows')
  return {
    started({ to, now, speed, from, bars, values }) {
      const pace = speed === 1 ? '' : `, ${speed} times as fast as wall time`
      stdout.write(`Feeding ${to}; the market is at ${now}${pace}.\n`)
      stdout.write(`To send: ${count(bars)} bars from ${from} on, ${count(values)} macro values.\n`)
    },
    report(report) {
      switch (report.kind) {
        case 'loading':
          return progress.update(report.done, report.total, '')
        case 'loaded':
          progress.stop()
          stdout.write(`Loaded in ${report.seconds.toFixed(1)} s: ${describe(report.counts)}.\n`)
          return
        case 'day':
          stdout.write(`${report.day}: ${describe(report.counts)}.\n`)
          return
        case 'away':
          progress.stop()
          stderr.write(`usdcop: ${report.why}; trying again\n`)
          return
        case 'back':
          stderr.write('usdcop: the materializer answers again\n')
          return
        case 'keyless':
          stderr.write(`usdcop: ${report.why}; trying again\n`)
          return
        case 'rekeyed':
          stdout.write('Another key is used from now on.\n')
          return
        case 'unkeyed':
          stderr.write(`usdcop: ${report.path} holds no key\n`)
          return
        case 'alert':
          stderr.write(`usdcop: ${WORDS.alert}\n`)
          return
        default:
          return report satisfies never
      }
    },
    ended: (counts, once) => stdout.write(`${endOf(once)}: ${describe(counts)}.\n`),
    stopped: () => stdout.write('Stopped; the next start goes on from here.\n'),
    close: () => progress.stop(),
  }
}

/** A JSON object a line, as the services log. */
export function createFeedLog({ stdout }: Pick<World, 'stdout'>): FeedTeller {
  const logger = createLogger({
    name: 'feed',
    level: 'info',
    destination: { write: (line) => stdout.write(line) },
  })
  return {
    started: (start) => logger.info(start, 'feeding'),
    report({ kind, ...news }) {
      logger[LEVELS[kind] ?? 'info'](news, WORDS[kind])
    },
    ended: (counts, once) => logger.info({ counts }, endOf(once)),
    stopped: () => logger.info('stopped'),
    close: () => {},
  }
}

const LEVELS: { readonly [kind in FeedReport['kind']]?: 'warn' | 'error' } = {
  away: 'warn',
  keyless: 'warn',
  unkeyed: 'error',
  alert: 'error',
}

const WORDS: { readonly [kind in FeedReport['kind']]: string } = {
  away: 'the materializer does not take it; trying again',
  loading: 'loading',
  loaded: 'loaded what was due',
  day: 'a day has been sent',
  back: 'the materializer answers again',
  keyless: 'no key yet; trying again',
  rekeyed: 'another key is used from now on',
  unkeyed: 'a secret holds no key',
  alert: 'a wrapping token was opened by somebody else',
}

function endOf(once: boolean): string {
  return once ? 'All that was due has been sent' : 'There is nothing more to send'
}

function describe({ accepted, rejected, values, valuesRejected }: FeedCounts): string {
  const reasons = Object.entries(rejected).map(([reason, times]) => `${count(times)} ${reason}`)
  const parts = [
    `${count(accepted)} bars`,
    ...(reasons.length > 0 ? [`rejected ${reasons.join(', ')}`] : []),
    `${count(values)} macro values`,
    ...(valuesRejected > 0 ? [`${count(valuesRejected)} of them rejected`] : []),
  ]
  return parts.join(', ')
}

function count(rows: number): string {
  return rows.toLocaleString('en-US')
}
