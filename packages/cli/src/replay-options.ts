import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { repositoryPath } from './paths.ts'

/** Options that `start` and `replay` share. */
export interface ReplayOptions {
  readonly bars: string
  readonly macro: string
  readonly from?: string
  readonly to?: string
}

/** Each falls back to the variable of the same meaning that the platform itself reads. */
export function addReplayOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--bars <file>', 'bars to back-fill and replay, CSV or .csv.gz')
        .default(repositoryPath('data/usdcop-m5.csv.gz'), 'the demo data')
        .env('BARS_FILE'),
    )
    .addOption(
      new Option('--macro <file>', 'daily macro series, CSV or .csv.gz')
        .default(repositoryPath('data/macro-daily.csv'), 'the demo data')
        .env('MACRO_FILE'),
    )
    .addOption(
      new Option('--from <date>', 'first session of the replay; the 20th from the end unless given')
        .argParser(isoDate)
        .env('REPLAY_FROM'),
    )
    .addOption(
      new Option('--to <date>', 'last session of the replay').argParser(isoDate).env('REPLAY_TO'),
    )
}

/** What the platform reads; its own idea of a relative path is not the caller's. */
export function environmentOf({
  bars,
  macro,
  from,
  to,
}: ReplayOptions): Record<string, string | undefined> {
  return {
    BARS_FILE: resolve(bars),
    MACRO_FILE: resolve(macro),
    REPLAY_FROM: from,
    REPLAY_TO: to,
  }
}

function isoDate(text: string): string {
  const instant = Date.parse(`${text}T00:00:00Z`)
  if (
    !/^\d{4}-\d{2}-\d{2}$/.test(text) ||
    Number.isNaN(instant) ||
    new Date(instant).toISOString().slice(0, 10) !== text
  )
    throw new InvalidArgumentError('a date as YYYY-MM-DD is expected.')
  return text
}

/** Sessions a minute, or as fast as the machine goes. */
export function speed(text: string): string {
  if (text !== 'max' && !(Number(text) > 0 && Number.isFinite(Number(text))))
    throw new InvalidArgumentError('a number of sessions a minute above 0, or `max`, is expected.')
  return text
}
