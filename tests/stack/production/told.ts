import { docker, logOf, projectContainers } from '../support/docker.ts'
import { type Needle, secretNeedles } from '../support/secrets.ts'

/** Which of the needles stand in a text, in words. */
export function foundIn(where: string, text: string, needles: readonly Needle[]): string[] {
  return needles
    .filter((needle) => text.includes(needle.text))
    .map(({ file }) => `${where}: ${file}`)
}

/** Looks for needles, and for all that `secrets/` holds, in everything that the containers tell others. */
export async function placesOf(needles: readonly Needle[], auditLog: string, signal: AbortSignal) {
  const all = [...needles, ...secretNeedles()]
  const containers = await projectContainers(signal)
  const told = await Promise.all(
    containers.map(async (one) => [
      { where: `the log of ${one.service}`, text: await logOf(one, signal) },
      {
        where: `${one.service} as Docker shows it`,
        text: await docker(['inspect', one.Id], signal),
      },
      {
        where: `the processes of ${one.service}`,
        text: await docker(['top', one.Id, '-eo', 'pid,args'], signal),
      },
    ]),
  )
  const places = [...told.flat(), { where: 'the audit log', text: auditLog }]
  const empty = places.filter(({ where, text }) => text === '' && !where.startsWith('the log'))
  if (empty.length > 0) throw new Error(`nothing could be read of ${empty[0]?.where}`)
  return {
    looked: places.length,
    found: places.flatMap(({ where, text }) => foundIn(where, text, all)),
  }
}
