import { readFileSync } from 'node:fs'
import { parseManifest } from '../../src/model/load.ts'
import type { Manifest } from '../../src/model/manifest.ts'

const at = (file: string) => new URL(`../fixtures/${file}`, import.meta.url)

/** The bytes of the tiny policy that `make_policy.py` wrote. */
export const policyBytes: Buffer = readFileSync(at('policy.onnx'))
export const externalBytes: Buffer = readFileSync(at('external.onnx'))

/** Its manifest, as text to be damaged, and as read under a contract. */
export const manifestText: string = readFileSync(at('policy.manifest.json'), 'utf8')

export function manifestFor(contractHash: string): Manifest {
  return { ...parseManifest(manifestText), contractHash }
}
