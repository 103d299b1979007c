import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { InferenceSession } from 'onnxruntime-node'
import { z } from 'zod'
import { Manifest } from './manifest.ts'
import { onnxFault } from './onnx-file.ts'
import { openSession, type Policy, runPolicy } from './run.ts'

/** What the platform will feed the model with; a model made for anything else does not load. */
export interface ModelContract {
  readonly contractHash: string
  /** The 15 names, in order. */
  readonly features: readonly string[]
  /** What actions are clipped to. */
  readonly action: { readonly low: number; readonly high: number }
}

const MAX_MODEL_BYTES = 16 * 1024 * 1024
const GOLDEN_TOLERANCE = 1e-5
const WARM_UP_RUNS = 20

/** Loads `manifest.json` and the model it names from one folder. Throws `model_invalid`. */
export async function loadPolicyFrom(
  folder: string,
  contract: ModelContract,
  signal: AbortSignal,
): Promise<Policy> {
  const text = await readModelFile(join(folder, 'manifest.json'), signal)
  const manifest = parseManifest(text.toString())
  const bytes = await readModelFile(join(folder, manifest.file), signal)
  return loadPolicy(manifest, bytes, contract, signal)
}

async function readModelFile(path: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await readFile(path, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new ServiceError('model_invalid', `cannot read ${path}`, { cause: error })
  }
}

/** Throws `model_invalid` with every fault of the manifest. */
export function parseManifest(text: string): Manifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new ServiceError('model_invalid', 'the manifest is not JSON', { cause: error })
  }
  const parsed = Manifest.safeParse(json)
  if (parsed.success) return parsed.data
  throw new ServiceError(
    'model_invalid',
    `the manifest is not usable:\n${z.prettifyError(parsed.error)}`,
  )
}

/**
 * A model that is the bytes its manifest names, made for our contract, of the stated shape, and
 * answering its golden vectors; warmed up. Anything else throws `model_invalid`.
 */
export async function loadPolicy(
  manifest: Manifest,
  bytes: Uint8Array,
  contract: ModelContract,
  signal: AbortSignal,
): Promise<Policy> {
  const fault = fileFault(manifest, bytes) ?? contractFault(manifest, contract)
  if (fault !== undefined) throw refused(manifest, fault)
  const session = await openSession(bytes).catch((error: unknown) => {
    throw refused(manifest, 'ONNX Runtime does not load it', error)
  })
  try {
    const mismatch = signatureFault(manifest, session)
    if (mismatch !== undefined) throw refused(manifest, mismatch)
    const policy = runPolicy(session, manifest)
    await proveGolden(manifest, policy, signal)
    return policy
  } catch (error) {
    await session.release()
    throw error
  }
}

function fileFault({ sha256 }: Manifest, bytes: Uint8Array): string | undefined {
  if (bytes.byteLength > MAX_MODEL_BYTES) return `it is larger than ${MAX_MODEL_BYTES} bytes`
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256) return `its SHA-256 is ${found}, the manifest says ${sha256}`
  return onnxFault(bytes)
}

function contractFault(manifest: Manifest, contract: ModelContract): string | undefined {
  if (manifest.contractHash !== contract.contractHash)
    return `it was made for contract ${manifest.contractHash}, this is ${contract.contractHash}`
  const at = contract.features.findIndex((name, i) => manifest.features[i] !== name)
  if (at !== -1)
    return `its feature ${at} is ${manifest.features[at]}, the contract's is ${contract.features[at]}`
  const { low, high } = manifest.action
  if (low !== contract.action.low || high !== contract.action.high)
    return `its actions lie in ${low}…${high}, the contract's in ${contract.action.low}…${contract.action.high}`
  return undefined
}

function signatureFault(manifest: Manifest, session: InferenceSession): string | undefined {
  return (
    tensorFault('input', manifest.input, session.inputMetadata) ??
    tensorFault('output', manifest.output, session.outputMetadata)
  )
}

function tensorFault(
  role: 'input' | 'output',
  { name, shape, dtype }: Manifest['input'],
  found: readonly InferenceSession.ValueMetadata[],
): string | undefined {
  const [tensor] = found
  if (found.length !== 1 || tensor === undefined || !tensor.isTensor)
    return `it must have one ${role} tensor, it has ${found.length}`
  if (tensor.name !== name) return `its ${role} is called ${tensor.name}, not ${name}`
  if (tensor.type !== dtype) return `its ${role} holds ${tensor.type}, not ${dtype}`
  const [rows, columns] = tensor.shape
  const rowsFit = typeof rows === 'string' || rows === 1
  if (tensor.shape.length !== 2 || !rowsFit || columns !== shape[1])
    return `its ${role} has the shape [${tensor.shape.join(', ')}], not [1, ${shape[1]}]`
  return undefined
}

/** Also the warm-up: the first run of a session takes a hundred times as long as the next. */
async function proveGolden(manifest: Manifest, policy: Policy, signal: AbortSignal): Promise<void> {
  for (let run = 0; run < WARM_UP_RUNS; run += 1) {
    for (const [i, { observation, action }] of manifest.goldenVectors.entries()) {
      const found = await policy.infer(observation, signal)
      if (Math.abs(found - action) <= GOLDEN_TOLERANCE) continue
      throw refused(manifest, `golden vector ${i} gives ${found}, the manifest says ${action}`)
    }
  }
}

function refused({ name, version }: Manifest, why: string, cause?: unknown): ServiceError {
  return new ServiceError('model_invalid', `model ${name} ${version} is refused: ${why}`, { cause })
}
