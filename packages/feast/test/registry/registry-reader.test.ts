import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readRegistryMessage, writeRegistryMessage } from '../../src/proto/registry-message.ts'
import { inSlices } from '../../src/registry/in-slices.ts'
import { decodeRegistry, objectsOf } from '../../src/registry/registry-file.ts'
import { createRegistryReader } from '../../src/registry/registry-reader.ts'

const bytes = readFileSync(new URL('../../../../tests/golden/feast-registry.db', import.meta.url))
const OPTIONS = { onlineVersioning: true }

/** Counts what is decoded. */
function counted(of: Uint8Array) {
  const decoded: string[] = []
  const objects = [...objectsOf(of)].map(({ key, decode }) => ({
    key,
    decode: () => {
      decoded.push(key)
      return decode()
    },
  }))
  return { objects, decoded }
}

test('reads what is read at once', async ({ signal }) => {
  const read = createRegistryReader('shop', OPTIONS)
  expect(await read(objectsOf(bytes), signal)).toEqual(decodeRegistry(bytes, 'shop', OPTIONS))
})

test('decodes only what has changed, wherever it stands now', async ({ signal }) => {
  const read = createRegistryReader('shop', OPTIONS)
  const before = await read(objectsOf(bytes), signal)
  const message = readRegistryMessage(bytes)
  message.featureViews.reverse()
  message.entities.splice(1, 1)
  Object.assign(message.featureServices[0]?.spec ?? {}, { description: 'another' })
  const { objects, decoded } = counted(writeRegistryMessage(message))
  const after = await read(objects, signal)
  expect(decoded).toHaveLength(1)
  expect(after.services.get('model')?.description).toBe('another')
  expect(after.entities.size).toBe(before.entities.size - 1)
  expect(after.views.get('streamed')).toBe(before.views.get('streamed'))
})

test('is the same object while only another project changes', async ({ signal }) => {
  const read = createRegistryReader('other', OPTIONS)
  const before = await read(objectsOf(bytes), signal)
  const message = readRegistryMessage(bytes)
  message.versionId = 'another'
  message.featureServices = []
  const { objects, decoded } = counted(writeRegistryMessage(message))
  expect(await read(objects, signal)).toBe(before)
  expect(decoded).toEqual([])
})

test('lets others have a turn after each millisecond of steps', async ({ signal }) => {
  let now = 0
  let turns = 0
  const everybodyElse = () => {
    turns += 1
    again = setImmediate(everybodyElse)
  }
  let again = setImmediate(everybodyElse)
  // A clock by which each step takes a quarter of a millisecond.
  await inSlices(Array.from({ length: 40 }), signal, () => (now += 0.25))
  clearImmediate(again)
  expect(turns).toBeGreaterThanOrEqual(40 / 5)
})

test('stops between two slices when told to', async () => {
  const stop = new AbortController()
  let taken = 0
  function* steps() {
    for (;;) {
      taken += 1
      if (taken === 10) stop.abort()
      yield
    }
  }
  let now = 0
  await expect(inSlices(steps(), stop.signal, () => (now += 1))).rejects.toThrow('abort')
  expect(taken).toBe(10)
})
