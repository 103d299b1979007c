import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)

/** A file of the repository, from wherever the command was called. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

export const CONTRACT_FILE = repositoryPath('config/contracts/observation-15d.v1.json')
