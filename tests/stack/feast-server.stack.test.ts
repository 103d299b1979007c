import { describe, expect, test } from 'vitest'
import { containerOf, docker } from './support/docker.ts'
import { as, ask, askJson } from './support/http.ts'
import { materializerStatus, servedFeatures } from './support/market.ts'

describe('Feast', () => {
  test('answers /health as Feast does: 200 and nothing', async ({ signal }) => {
    const answer = await ask('feast-server', '/health', {}, signal)
    expect(answer).toMatchObject({ status: 200, text: '' })
  })

  test('says by which definition its features were computed', async ({ signal }) => {
    const body = { feature_service: 'observation_15d', entities: { symbol: ['USD/COP'] } }
    const question = { body, headers: as.reader() }
    const { headers } = await ask('feast-server', '/get-online-features', question, signal)
    const { definitionHash } = await materializerStatus(signal)
    expect(headers['usdcop-definition-hash']).toBe(definitionHash)
  })

  test('has a feast command, which applies the definitions of the image', async ({ signal }) => {
    const { Id } = await containerOf('feast-server', signal)
    const feast = async (...args: string[]) => await docker(['exec', Id, 'feast', ...args], signal)
    expect(await feast('apply')).toContain('Applying changes for project usdcop_trading')
    expect(await feast('plan')).toBe('No changes to registry\nNo changes to infrastructure\n')
    const views = JSON.parse(await feast('feature-views', 'list', '--json')) as unknown[]
    expect(views).toHaveLength(3)
  })

  test('knows nothing of a symbol that nobody feeds', async ({ signal }) => {
    const features = await servedFeatures('NOBODY/COP', signal)
    expect(features.map(({ value, status }) => [value, status])).toEqual(
      Array.from({ length: 15 }, () => [null, 'NOT_FOUND']),
    )
  })

  test('answers an unknown feature service in the words a Feast client understands', async ({
    signal,
  }) => {
    const body = { feature_service: 'nobody', entities: { symbol: ['USD/COP'] } }
    const question = { body, headers: as.reader() }
    const { status, text } = await ask('feast-server', '/get-online-features', question, signal)
    expect(status).toBe(404)
    expect(JSON.parse(JSON.parse(text) as string)).toMatchObject({
      class: 'FeatureServiceNotFoundException',
    })
  })

  test('takes a push, and serves what was pushed', async ({ signal }) => {
    const symbol = 'PUSHED/COP'
    const push = {
      push_source_name: 'state_push',
      df: {
        symbol: [symbol],
        position: [0.5],
        time_normalized: [0.25],
        event_timestamp: [new Date().toISOString()],
        created: [new Date().toISOString()],
      },
      to: 'online',
    }
    const question = { body: push, headers: as.writer() }
    expect(await ask('feast-server', '/push', question, signal)).toMatchObject({ status: 200 })
    const served = await askJson<{ results: { values: unknown[] }[] }>(
      'feast-server',
      '/get-online-features',
      {
        body: { features: ['state_features:position'], entities: { symbol: [symbol] } },
        headers: as.reader(),
      },
      signal,
    )
    expect(served.results.at(-1)?.values).toEqual([0.5])
  })
})
