import type { Contract } from './contract.ts'
import { ObservationError } from './errors.ts'

/**
 * How every saved state begins: a kind with a format version, and the definition it belongs to.
 * Numbers follow in the machine's byte order, which the kind word also gives away.
 */
export const HEADER_BYTES = 40

const KIND = { symbol: 0x5359_4d01, macro: 0x4d41_4301 } as const
export type StateKind = keyof typeof KIND

/** Writes the header into the first 40 bytes of `buffer`. */
export function writeHeader(contract: Contract, kind: StateKind, buffer: ArrayBufferLike): void {
  new Uint32Array(buffer, 0, 2).set([KIND[kind], 0])
  Buffer.from(buffer, 8, 32).write(contract.definitionHash, 'hex')
}

/** Throws when `bytes` is no state of this kind, or one of another definition. */
export function checkHeader(contract: Contract, kind: StateKind, bytes: Uint8Array): void {
  if (bytes.byteLength < HEADER_BYTES || bytes.byteLength % 4 !== 0)
    throw new ObservationError('state_invalid', `${bytes.byteLength} bytes are no ${kind} state`)
  // A copy, for alignment: a driver's Buffer may begin anywhere, and its slice copies nothing.
  const header = Uint8Array.from(bytes.subarray(0, HEADER_BYTES)).buffer
  if (new Uint32Array(header, 0, 1)[0] !== KIND[kind])
    throw new ObservationError('state_invalid', `these bytes are no ${kind} state of this version`)
  const definition = Buffer.from(header, 8).toString('hex')
  if (definition !== contract.definitionHash)
    throw new ObservationError(
      'state_mismatch',
      `the ${kind} state belongs to definition ${definition}, not ${contract.definitionHash}`,
    )
}

/** A state that is a list of numbers, as bytes. */
export function sealState(
  contract: Contract,
  kind: StateKind,
  numbers: readonly number[],
): Uint8Array {
  const buffer = new ArrayBuffer(HEADER_BYTES + 8 * numbers.length)
  writeHeader(contract, kind, buffer)
  new Float64Array(buffer, HEADER_BYTES).set(numbers)
  return new Uint8Array(buffer)
}

/** The numbers of a state, copied. Throws like `checkHeader`. */
export function openState(contract: Contract, kind: StateKind, bytes: Uint8Array): Float64Array {
  checkHeader(contract, kind, bytes)
  if ((bytes.byteLength - HEADER_BYTES) % 8 !== 0)
    throw new ObservationError('state_invalid', `the ${kind} state is cut short`)
  return new Float64Array(Uint8Array.from(bytes.subarray(HEADER_BYTES)).buffer)
}
