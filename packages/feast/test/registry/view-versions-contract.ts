import { expect } from 'vitest'
import type { RegistryStore } from '../../src/registry/registry-store.ts'
import { fieldsOf, shop } from './shop.ts'

/** Each schema that a view had is a version of it, counted as Feast does, in whatever a registry is kept. */
export async function keepsVersions(open: () => RegistryStore, signal: AbortSignal): Promise<void> {
  const { views, ...rest } = shop()
  const applied = async (change: object) => {
    const [stats, ...others] = views
    await open().apply(
      { ...rest, services: [], views: [{ ...stats!, ...change }, ...others] },
      signal,
    )
    const { version, history, intervals } = (await open().read(signal)).views.get('stats') ?? {}
    const kept = [...(history ?? [])].toSorted(([a], [b]) => a - b)
    const features = kept.map(([number, past]) => [number, past.features.map(({ name }) => name)])
    return { version, features: Object.fromEntries(features), intervals: intervals?.length }
  }
  const first = { 0: ['conv_rate'] }
  expect(await applied({})).toEqual({ version: undefined, features: first, intervals: undefined })
  await open().recordMaterialization('stats', { start: 1, end: 2 }, signal)
  expect(await applied({ ttlMs: 5, tags: { a: 'b' }, description: 'd' })).toMatchObject({
    version: undefined,
    features: first,
  })
  const second = { ...first, 1: ['rate', 'share'] }
  const changed = { features: fieldsOf('rate', 'share') }
  expect(await applied(changed)).toEqual({ version: 1, features: second, intervals: 1 })
  // Feast would count from the first again.
  expect(await applied({ ...changed, ttlMs: 7 })).toMatchObject({ version: 1, features: second })
  const reordered = { features: fieldsOf('share', 'rate') }
  expect(await applied(reordered)).toMatchObject({ version: 1, features: second })
  const third = { ...second, 2: ['rate', 'share'] }
  expect(await applied({ ...changed, entities: [] })).toMatchObject({ version: 2, features: third })
  await open().apply({ ...rest, services: [], views: [] }, signal)
  expect(await applied(changed)).toMatchObject({
    version: undefined,
    features: { 0: ['rate', 'share'] },
  })
}
