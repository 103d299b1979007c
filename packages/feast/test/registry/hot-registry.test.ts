import { expect, test, vi } from 'vitest'
import { followRegistry } from '../../src/registry/hot-registry.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import type { RegistryStore } from '../../src/registry/registry-store.ts'

const named = (project: string) =>
  createRegistry({ project, entities: [], views: [], services: [], pushSources: [] })

/** Answers one after the other, then the last one for ever; an error is thrown. */
function storeOf(...answers: (ReturnType<typeof named> | Error)[]) {
  let reads = 0
  const read = async () => {
    const answer = answers[Math.min(reads, answers.length - 1)]
    reads += 1
    if (answer instanceof Error) throw answer
    return answer
  }
  return { store: { read } as unknown as RegistryStore, reads: () => reads }
}

test('takes up what has changed, and keeps what it has while nothing can be read', async ({
  signal,
}) => {
  const errors: unknown[] = []
  const away = new Error('away')
  const { store } = storeOf(named('one'), away, named('two'))
  const onError = (error: unknown) => errors.push(error)
  const followed = await followRegistry(store, { intervalMs: 1, onError, signal })
  expect(followed.current.project).toBe('one')
  await vi.waitFor(() => expect(followed.current.project).toBe('two'))
  expect(errors).toEqual([away])
  await followed.stop()
})

test('looks when it is told to, and not by itself at an interval of 0', async ({ signal }) => {
  const { store, reads } = storeOf(named('one'), named('two'))
  const followed = await followRegistry(store, { intervalMs: 0, onError: () => {}, signal })
  expect(reads()).toBe(1)
  await followed.refresh(signal)
  expect(followed.current.project).toBe('two')
  await followed.stop()
})

test('tells a failure once while it lasts, and again after a reading between', async ({
  signal,
}) => {
  const errors: string[] = []
  const away = new Error('away')
  const { store, reads } = storeOf(named('one'), away, away, named('two'), away)
  const onError = (error: unknown) => errors.push(String(error))
  const followed = await followRegistry(store, { intervalMs: 1, onError, signal })
  await vi.waitFor(() => expect(reads()).toBeGreaterThan(6))
  await followed.stop()
  expect(errors).toEqual(['Error: away', 'Error: away'])
})

test('never goes back to an older reading that ended later', async ({ signal }) => {
  const older = Promise.withResolvers<ReturnType<typeof named>>()
  const answers = [named('one'), older.promise, named('three')]
  const store = { read: async () => answers.shift() } as unknown as RegistryStore
  const followed = await followRegistry(store, { intervalMs: 0, onError: () => {}, signal })
  const both = Promise.all([followed.refresh(signal), followed.refresh(signal)])
  older.resolve(named('two'))
  await both
  expect(followed.current.project).toBe('three')
  await followed.stop()
})

test('does not start on a registry that cannot be read', async ({ signal }) => {
  const { store } = storeOf(new Error('away'))
  const following = followRegistry(store, { intervalMs: 1, onError: () => {}, signal })
  await expect(following).rejects.toThrow('away')
})
