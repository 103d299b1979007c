import { readFile } from 'node:fs/promises'
import { type Container, parseContainers } from '../../src/stack/container.ts'

/** What docker inspect said of six containers that Compose had started, each in a state of its own. */
export async function captured(
  file: 'inspect-compose-1.29.json' | 'inspect-compose-5.json',
): Promise<readonly Container[]> {
  return parseContainers(await readFile(new URL(`captured/${file}`, import.meta.url), 'utf8'))
}
