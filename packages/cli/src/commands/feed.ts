import { setTimeout as sleep } from 'node:timers/promises'
import { createCalendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import { type MarketClock, marketClock } from '@usdcop/observation/market-clock'
import { wallClock } from '@usdcop/service/clock'
import { clockSchema } from '@usdcop/service/clock-config'
import { parseEnv } from '@usdcop/service/config'
import { ServiceError } from '@usdcop/service/errors'
import { vaultPathSchema } from '@usdcop/vault/vault-config'
import { Command, InvalidArgumentError, Option } from 'commander'
import { readContract } from '../contract-file.ts'
import { examples } from '../examples.ts'
import { feed } from '../feed/feed.ts'
import { keepTrying } from '../feed/keep-trying.ts'
import { fixedKey } from '../feed/key.ts'
import { createMaterializer, type Materializer } from '../feed/materializer.ts'
import { planFeed } from '../feed/plan.ts'
import { createFeedLog, createFeedTeller, type FeedTeller } from '../feed/teller.ts'
import { openVaultKey } from '../feed/vault-key.ts'
import { readBarFile, readMacroFile } from '../market-files.ts'
import { contractOption, repositoryPath } from '../paths.ts'
import { httpUrl, readKey } from '../peer.ts'
import { untilTerminated } from '../terminated.ts'
import type { World } from '../world.ts'

/** Past every warm-up, and a chart of ten full sessions. */
const HISTORY_SESSIONS = 12

interface FeedOptions {
  readonly to: string
  readonly keyFile?: string
  readonly keySecret?: string
  readonly bars: string
  readonly macro: string
  readonly historySessions: number
  readonly contract: string
  readonly once?: true
  readonly json?: true
}

/** `usdcop feed`: real bars and macro values to a running materializer, each when it is due. */
export function feedCommand(world: World): Command {
  return new Command('feed')
    .description(
      'send the bars and macro values of files to a materializer, as the market closes them',
    )
    .addOption(
      new Option('--to <url>', 'the materializer')
        .default('http://127.0.0.1:6567')
        .env('MATERIALIZER_URL'),
    )
    .addOption(
      new Option('--key-file <file>', 'file with the bearer token of a writer')
        .env('MATERIALIZER_KEY_FILE')
        .conflicts('keySecret'),
    )
    .addOption(
      new Option('--key-secret <path>', 'in its place: a secret of Vault with a materializer_key')
        .env('MATERIALIZER_KEY_SECRET')
        .argParser(vaultPath),
    )
    .addOption(
      new Option('--bars <file>', 'bars, CSV or .csv.gz')
        .default(repositoryPath('data/usdcop-m5.csv.gz'), 'the demo data')
        .env('BARS_FILE'),
    )
    .addOption(
      new Option('--macro <file>', 'daily macro series, CSV or .csv.gz')
        .default(repositoryPath('data/macro-daily.csv'), 'the demo data')
        .env('MACRO_FILE'),
    )
    .addOption(
      new Option('--history-sessions <n>', 'sessions to load from before the market begins')
        .argParser(wholeNumber)
        .default(HISTORY_SESSIONS),
    )
    .addOption(contractOption())
    .option('--once', 'send what is due, then end')
    .option('--json', 'print the log as JSON lines instead of words for people')
    .addHelpText(
      'after',
      examples('feed --key-file .usdcop/keys/writer', 'feed --key-file .usdcop/keys/writer --once'),
    )
    .addHelpText(
      'after',
      '\nWith CLOCK_WALL_START, CLOCK_MARKET_START and CLOCK_SPEED set as for the services, time is' +
        '\nthe market time that they have; without them it is wall time. With --key-secret the variables' +
        '\nof Vault are read, as by the services.',
    )
    .action((options: FeedOptions, command: Command) => {
      const to = httpUrl(options.to, (fault) =>
        command.error(`error: option '--to <url>': ${fault}`),
      )
      if (options.keyFile === undefined && options.keySecret === undefined)
        command.error("error: '--key-file <file>' or '--key-secret <path>' is needed")
      return run({ ...options, to }, world)
    })
}

type Given = Omit<FeedOptions, 'to'> & { readonly to: URL }

async function run(options: Given, world: World): Promise<void> {
  const teller = options.json ? createFeedLog(world) : createFeedTeller(world)
  // A container is stopped that way, and a feed that runs on has no other end.
  using terminated = untilTerminated()
  try {
    await feedFiles(options, world.env, teller, AbortSignal.any([world.signal, terminated.signal]))
  } catch (error) {
    if (!terminated.signal.aborted || world.signal.aborted) throw error
    teller.stopped()
  } finally {
    teller.close()
  }
}

async function feedFiles(
  { to, keyFile = '', keySecret, ...options }: Given,
  env: NodeJS.ProcessEnv,
  teller: FeedTeller,
  signal: AbortSignal,
): Promise<void> {
  const contract = await readContract(options.contract)
  const { clock, speed } = clockOf(env, contract)
  await using vaultKey =
    keySecret === undefined ? undefined : await openVaultKey(keySecret, env, teller.report, signal)
  const key = vaultKey ?? fixedKey(await readKey(keyFile))
  const materializer = createMaterializer(to, key)
  const [bars, macro] = await Promise.all([
    readBarFile(options.bars, undefined, signal),
    readMacroFile(options.macro, contract.definition.macro.series, signal),
  ])
  // Behind the files: whoever waits for a materializer should not wait in vain.
  const stored = await readStored(materializer, contract, teller, signal)
  const { startsAt } = clock
  const place = { startsAt, historySessions: options.historySessions, stored }
  const plan = planFeed({ bars, macro }, place, createCalendar(contract))
  teller.started({
    to: to.href,
    now: new Date(clock.now()).toISOString(),
    speed,
    from: plan.from,
    bars: plan.bars.length,
    values: plan.macro.length,
  })
  const once = options.once === true
  const deps = { clock, materializer, waitUntil, tell: teller.report }
  const counts = await feed(plan, deps, { once }, signal)
  teller.ended(counts, once)
}

function clockOf(env: NodeJS.ProcessEnv, contract: Contract) {
  const { clock: settings } = parseEnv(clockSchema, env)
  if (settings !== undefined)
    return { clock: marketClock(settings, contract, wallClock), speed: settings.speed }
  const now = wallClock.now()
  const wall: MarketClock = { ...wallClock, wallAt: (at) => at, startsAt: now, endsAt: Infinity }
  return { clock: wall, speed: 1 }
}

/** The label of the newest bar of each symbol; waits until the materializer is there to say so. */
async function readStored(
  materializer: Materializer,
  { definitionHash }: Contract,
  { report }: FeedTeller,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const patience = {
    onAway: (why: string) => report({ kind: 'away', why }),
    onBack: () => report({ kind: 'back' }),
  }
  const status = await keepTrying(() => materializer.status(signal), patience, signal)
  if (status.definitionHash !== definitionHash)
    throw new ServiceError(
      'contract_mismatch',
      'the materializer computes its features under another contract; --contract names the one here',
    )
  return new Map(status.symbols.map(({ symbol, lastBar }) => [symbol, Date.parse(lastBar)]))
}

/** Longer pauses overflow a timer, and a wall clock may be set meanwhile. */
const LONGEST_SLEEP_MS = 60_000

async function waitUntil(wallInstant: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = wallInstant - wallClock.now()
    if (leftMs <= 0) return
    await sleep(Math.min(leftMs, LONGEST_SLEEP_MS), undefined, { signal })
  }
}

function vaultPath(text: string): string {
  const { data } = vaultPathSchema.safeParse(text)
  if (data === undefined) throw new InvalidArgumentError('a path of Vault is expected.')
  return data
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('a whole number is expected.')
  return Number(text)
}
