import { isDeepStrictEqual } from 'node:util'
import type { Peer } from './peer.ts'

/** @throws unless both give the same values: peers that do other work are not compared. */
export async function sameAnswers(
  ours: Peer,
  theirs: Peer,
  asked: readonly string[],
): Promise<void> {
  for (const body of asked) {
    const [mine, other] = await Promise.all([ours, theirs].map((peer) => ask(peer, body)))
    if (!isDeepStrictEqual(valuesIn(mine), valuesIn(other)))
      throw new Error(`${theirs.name} answers otherwise to ${body.slice(0, 200)}`)
  }
}

/** Of many answers the one nearest to their mean size. */
export async function sampleAnswer(peer: Peer, asked: readonly string[]): Promise<Buffer> {
  const answers: Buffer[] = []
  for (const body of asked.slice(0, 200)) answers.push(await ask(peer, body))
  const mean = answers.reduce((sum, { length }) => sum + length, 0) / answers.length
  const offBy = (answer: Buffer) => Math.abs(answer.length - mean)
  return answers.reduce((best, one) => (offBy(one) < offBy(best) ? one : best))
}

export async function ask({ name, url, path }: Peer, body: string): Promise<Buffer> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const answer = Buffer.from(await response.arrayBuffer())
  if (!response.ok) throw new Error(`${name} answered ${response.status}: ${answer.toString()}`)
  return answer
}

function valuesIn(answer: Buffer | undefined): unknown {
  const { metadata, results } = JSON.parse(String(answer)) as Answer
  const columns = results.map(({ values }, i) => [metadata.feature_names[i], values] as const)
  return Object.fromEntries(columns)
}

interface Answer {
  readonly metadata: { readonly feature_names: readonly string[] }
  readonly results: readonly { readonly values: readonly unknown[] }[]
}
