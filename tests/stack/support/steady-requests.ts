import { as, ask } from './http.ts'
import { SYMBOL } from './market.ts'

export interface Tally {
  readonly answered: number
  /** In words: what was asked, and what came instead of an answer. */
  readonly failures: readonly string[]
}

const features = { feature_service: 'observation_15d', entities: { symbol: [SYMBOL] } }

/** One question to each of our services that only its store can answer. */
const QUESTIONS = [
  { service: 'feast-server', path: '/get-online-features', body: features },
  { service: 'materializer', path: '/v1/status', body: undefined },
  { service: 'inference-gateway', path: '/v1/decisions?limit=20', body: undefined },
] as const

/** Asks all of them, one request after the other for each, for as long as something is done. */
export async function whileAsking(
  something: (signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<Tally> {
  const failures: string[] = []
  let answered = 0
  let done = false
  const asking = QUESTIONS.map(async ({ service, path, body }) => {
    while (!done) {
      const question = { ...(body !== undefined && { body }), headers: as.reader() }
      const said = await ask(service, path, question, signal).then(
        // 429 is a machine that has no time now, which is no answer and no failure.
        ({ status, text }) => (status === 200 || status === 429 ? undefined : `${status} ${text}`),
        (error: unknown) => String(error),
      )
      if (said === undefined) answered += 1
      else failures.push(`${service}: ${said.slice(0, 200)}`)
    }
  })
  try {
    await something(signal)
  } finally {
    done = true
    await Promise.all(asking)
  }
  return { answered, failures }
}
