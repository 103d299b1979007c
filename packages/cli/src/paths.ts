import { fileURLToPath } from 'node:url'
import { Option } from 'commander'

const root = new URL('../../../', import.meta.url)

/** A file of the repository, from wherever the command was called. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

const CONTRACT = 'config/contracts/observation-15d.v1.json'
export const CONTRACT_FILE = repositoryPath(CONTRACT)

/** `--contract FILE`, the same one in every command. */
export function contractOption(): Option {
  return new Option('--contract <file>', 'contract file').default(CONTRACT_FILE, CONTRACT)
}
