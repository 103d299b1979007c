import './no-telemetry.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { Manifest } from './manifest.ts'

/** Which model answered; on every decision. */
export interface PolicyDescription {
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly contractHash: string
}

/** A model that has been checked and warmed up. */
export interface Policy {
  describe(): PolicyDescription
  /** The raw action for a normalised observation; it may be any float, so the caller checks it. */
  infer(observation: ArrayLike<number>, signal: AbortSignal): Promise<number>
  close(): Promise<void>
}

/** One thread and sequential: the model takes ten microseconds, a thread pool only adds outliers. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
}

/** A session over bytes, never over a path: a file beside a path could be read in. */
export function openSession(bytes: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(bytes, SESSION_OPTIONS)
}

/** The policy over a session that `load.ts` has found to agree with its manifest. */
export function runPolicy(session: InferenceSession, manifest: Manifest): Policy {
  const { name, version, sha256, contractHash, input, output } = manifest
  const columns = input.shape[1]
  return {
    describe: () => ({ name, version, sha256, contractHash }),
    async infer(observation, signal) {
      signal.throwIfAborted()
      // Float32 begins here and nowhere before.
      const values = Float32Array.from(observation)
      const results = await session.run({ [input.name]: new Tensor(values, [1, columns]) })
      const action: unknown = results[output.name]?.data[0]
      return typeof action === 'number' ? action : Number.NaN
    },
    close: () => session.release(),
  }
}
