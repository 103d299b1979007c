import { type Command, InvalidArgumentError, Option } from 'commander'

/** Options that `start` and `replay` share. */
export interface ReplayOptions {
  readonly bars: string
  readonly macro: string
  readonly from?: string
  readonly to?: string
}

export function addReplayOptions(command: Command, files: ReplayOptions): Command {
  return command
    .option('--bars <file>', 'bars to back-fill and replay, CSV or .csv.gz', files.bars)
    .option('--macro <file>', 'daily macro series, CSV or .csv.gz', files.macro)
    .addOption(
      new Option(
        '--from <date>',
        'first session of the replay; the 20th from the end unless given',
      ).argParser(isoDate),
    )
    .addOption(new Option('--to <date>', 'last session of the replay').argParser(isoDate))
}

export function environmentOf({
  bars,
  macro,
  from,
  to,
}: ReplayOptions): Record<string, string | undefined> {
  return { BARS_FILE: bars, MACRO_FILE: macro, REPLAY_FROM: from, REPLAY_TO: to }
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
