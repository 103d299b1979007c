import { logLevelSchema, parseEnv, portSchema } from '@usdcop/service/config'
import { z } from 'zod'

const Env = z.object({
  DATA_DIR: z.string().default('.usdcop'),
  DATA_FRESH: z.stringbool().default(false),
  BARS_FILE: z.string().default('data/usdcop-m5.csv.gz'),
  MACRO_FILE: z.string().default('data/macro-daily.csv'),
  CONTRACT_FILE: z.string().default('config/contracts/observation-15d.v1.json'),
  MODEL_DIR: z.string().default('models/usdcop-ppo'),
  HOST: z.string().default('127.0.0.1'),
  FEATURE_SERVER_PORT: portSchema.default(6566),
  MATERIALIZER_PORT: portSchema.default(6567),
  GATEWAY_PORT: portSchema.default(8090),
  REPLAY_FROM: z.iso.date().optional(),
  REPLAY_TO: z.iso.date().optional(),
  REPLAY_SPEED: z
    .union(
      [z.literal('max'), z.coerce.number().positive()],
      'a number of sessions a minute, or max',
    )
    .default(1),
  REPLAY_EXIT: z.stringbool().default(false),
  LOG_LEVEL: logLevelSchema,
})

export interface Config {
  readonly dataDirectory: string
  readonly fresh: boolean
  readonly barsFile: string
  readonly macroFile: string
  readonly contractFile: string
  readonly modelDirectory: string
  readonly host: string
  readonly ports: {
    readonly featureServer: number
    readonly materializer: number
    readonly gateway: number
  }
  readonly replay: {
    /** First and last session, YYYY-MM-DD; chosen from the data when undefined. */
    readonly from: string | undefined
    readonly to: string | undefined
    readonly sessionsPerMinute: number | 'max'
    /** End the process after the last session. */
    readonly exit: boolean
  }
  readonly logLevel: string
}

/** Paths are relative to `root`, the repository, but for the data directory: that is the caller's. */
export function readConfig(env: NodeJS.ProcessEnv, root: URL): Config {
  const values = parseEnv(Env, env)
  const inRoot = (path: string): string =>
    path.startsWith('/') ? path : new URL(path, root).pathname
  return Object.freeze({
    dataDirectory: values.DATA_DIR,
    fresh: values.DATA_FRESH,
    barsFile: inRoot(values.BARS_FILE),
    macroFile: inRoot(values.MACRO_FILE),
    contractFile: inRoot(values.CONTRACT_FILE),
    modelDirectory: inRoot(values.MODEL_DIR),
    host: values.HOST,
    ports: {
      featureServer: values.FEATURE_SERVER_PORT,
      materializer: values.MATERIALIZER_PORT,
      gateway: values.GATEWAY_PORT,
    },
    replay: {
      from: values.REPLAY_FROM,
      to: values.REPLAY_TO,
      sessionsPerMinute: values.REPLAY_SPEED,
      exit: values.REPLAY_EXIT,
    },
    logLevel: values.LOG_LEVEL,
  })
}
