import { createHash } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadPolicy, loadPolicyFrom, parseManifest } from '../src/model/load.ts'
import type { Manifest } from '../src/model/manifest.ts'
import { onnxFault } from '../src/model/onnx-file.ts'
import { rules } from './support/market.ts'
import { externalBytes, manifestFor, manifestText, policyBytes } from './support/policy.ts'

const CONTRACT_HASH = 'c'.repeat(64)
const manifest = manifestFor(CONTRACT_HASH)
const contract = {
  contractHash: CONTRACT_HASH,
  features: manifest.features,
  action: { low: -1, high: 1 },
}
const signal = AbortSignal.timeout(60_000)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a model', () => {
  test('answers its golden vectors, and says which one it is', async () => {
    const policy = await loadPolicy(manifest, policyBytes, contract, signal)
    const actions: number[] = []
    for (const { observation } of manifest.goldenVectors)
      actions.push(await policy.infer(observation, signal))
    manifest.goldenVectors.forEach(({ action }, i) => {
      expect(actions[i]).toBeCloseTo(action, 5)
    })
    expect(policy.describe()).toEqual({
      name: 'test-policy',
      version: '1',
      sha256: sha256(policyBytes),
      contractHash: CONTRACT_HASH,
    })
    await policy.close()
  })

  test('is there for the contract as it stands: the policy in models/ loads', async () => {
    const folder = fileURLToPath(new URL('../../../models/usdcop-ppo', import.meta.url))
    const policy = await loadPolicyFrom(folder, rules.model, signal)
    expect(policy.describe()).toMatchObject({
      name: 'usdcop-ppo',
      contractHash: rules.model.contractHash,
    })
    await policy.close()
  })

  test('answers the same observation with the same bits', async () => {
    const policy = await loadPolicy(manifest, policyBytes, contract, signal)
    const observation = manifest.goldenVectors[0]!.observation
    const first = await policy.infer(observation, signal)
    expect(await policy.infer(observation, signal)).toBe(first)
    await policy.close()
  })

  test('answers NaN with NaN, which the caller must refuse', async () => {
    const policy = await loadPolicy(manifest, policyBytes, contract, signal)
    expect(await policy.infer(Array<number>(15).fill(Number.NaN), signal)).toBeNaN()
    await policy.close()
  })

  test('does not run for a caller who has left', async () => {
    const policy = await loadPolicy(manifest, policyBytes, contract, signal)
    const left = AbortSignal.abort(new Error('left'))
    await expect(policy.infer(Array<number>(15).fill(0), left)).rejects.toThrow('left')
    await policy.close()
  })

  test.for<{ name: string; change?: Partial<Manifest>; bytes?: Uint8Array; why: RegExp }>([
    {
      name: 'another contract',
      change: { contractHash: 'd'.repeat(64) },
      why: /made for contract/,
    },
    {
      name: 'the features in another order',
      change: { features: manifest.features.with(0, 'log_ret_1h').with(1, 'log_ret_5m') },
      why: /its feature 0 is log_ret_1h/,
    },
    {
      name: 'wider actions than the contract clips to',
      change: { action: { ...manifest.action, high: 2 } },
      why: /its actions lie in -1…2/,
    },
    {
      name: 'an input of another name',
      change: { input: { ...manifest.input, name: 'obs' } },
      why: /its input is called observation, not obs/,
    },
    {
      name: 'an output of another name',
      change: { output: { ...manifest.output, name: 'logits' } },
      why: /its output is called action, not logits/,
    },
    {
      name: 'a golden vector off by two hundred-thousandths',
      change: {
        goldenVectors: manifest.goldenVectors.map((vector, i) =>
          i === 2 ? { ...vector, action: vector.action + 2e-5 } : vector,
        ),
      },
      why: /golden vector 2 gives/,
    },
    {
      name: 'weights in another file',
      change: { sha256: sha256(externalBytes) },
      bytes: externalBytes,
      why: /external data/,
    },
    {
      name: 'garbage under its true digest',
      change: { sha256: sha256(Buffer.from('not a model at all')) },
      bytes: Buffer.from('not a model at all'),
      why: /not an ONNX file/,
    },
    {
      name: 'an empty file',
      change: { sha256: sha256(Buffer.alloc(0)) },
      bytes: Buffer.alloc(0),
      why: /expected one graph, found 0/,
    },
    {
      name: 'more bytes than the cap',
      bytes: Buffer.alloc(16 * 1024 * 1024 + 1),
      why: /larger than/,
    },
  ])('is refused with $name', async ({ change = {}, bytes = policyBytes, why }) => {
    await expect(
      loadPolicy({ ...manifest, ...change }, bytes, contract, signal),
    ).rejects.toMatchObject({ code: 'model_invalid', message: expect.stringMatching(why) })
  })

  test('is refused when any one byte of its file is altered', async () => {
    for (let at = 0; at < policyBytes.length; at += 1) {
      const bytes = Buffer.from(policyBytes)
      bytes[at]! ^= 1
      await expect(loadPolicy(manifest, bytes, contract, signal)).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringContaining('its SHA-256 is'),
      })
    }
  })

  test('is refused, not crashed on, when its file is cut or altered under a matching digest', async () => {
    for (let length = 0; length < policyBytes.length; length += 1)
      expect(() => onnxFault(policyBytes.subarray(0, length))).not.toThrow()
    const operator = Buffer.from(policyBytes)
    operator.write('Tamh', operator.indexOf('Tanh'))
    await expect(
      loadPolicy({ ...manifest, sha256: sha256(operator) }, operator, contract, signal),
    ).rejects.toMatchObject({ message: expect.stringContaining('"Tamh" is not one we run') })
  })
})

describe('a manifest', () => {
  test.for([
    { name: 'too few golden vectors', path: 'goldenVectors', value: [] },
    { name: 'another kind of action', path: 'action', value: { kind: 'discrete' } },
    { name: 'fourteen features', path: 'features', value: manifest.features.slice(1) },
    { name: 'a file elsewhere', path: 'file', value: '../model.onnx' },
    { name: 'a shortened digest', path: 'sha256', value: 'abc' },
    { name: 'another format', path: 'format', value: 'torch' },
    { name: 'a wider input', path: 'input', value: { ...manifest.input, shape: [null, 16] } },
  ])('with $name is refused by that field', ({ path, value }) => {
    const text = JSON.stringify({ ...JSON.parse(manifestText), [path]: value })
    expect(() => parseManifest(text)).toThrow(new RegExp(`at ${path}`))
  })

  test('that is no JSON is refused', () => {
    expect(() => parseManifest('{')).toThrow('the manifest is not JSON')
  })

  test('lies beside the model it names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'model-'))
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
    await expect(loadPolicyFrom(folder, contract, signal)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('policy.onnx'),
    })
    await writeFile(join(folder, 'policy.onnx'), policyBytes)
    await using stack = new AsyncDisposableStack()
    const policy = await loadPolicyFrom(folder, contract, signal)
    stack.defer(() => policy.close())
    expect(policy.describe().name).toBe('test-policy')
  })
})
