import { describe, expect, test } from 'vitest'
import { OUR_SERVERS } from './support/addresses.ts'
import { eventually } from './support/eventually.ts'
import { ask } from './support/http.ts'
import { logLines, streams } from './support/loki.ts'

const PATIENCE_MS = 90_000

describe('Loki', { timeout: 2 * PATIENCE_MS }, () => {
  test('is ready', async ({ signal }) => {
    const answer = await eventually(
      'Loki to be ready',
      async (until) => {
        const { status, text } = await ask('loki', '/ready', {}, until)
        if (status !== 200) throw new Error(`${status}: ${text.trim()}`)
        return text.trim()
      },
      { signal, withinMs: PATIENCE_MS },
    )
    expect(answer).toBe('ready')
  })

  test.for(OUR_SERVERS)(
    'keeps the lines of %s by service and level',
    async (service, { signal }) => {
      const since = Date.now() - 24 * 3_600_000
      const lines = await eventually(
        `lines of ${service}`,
        async (until) => {
          const found = await logLines(`{service="${service}"}`, since, until)
          if (found.length === 0) throw new Error(`no line of ${service}`)
          return found
        },
        { signal, withinMs: PATIENCE_MS },
      )
      const levels = new Set(lines.map(({ labels }) => labels['level']))
      expect(
        [...levels].filter((level) => !/^(debug|info|warn|error|fatal)$/.test(level ?? '')),
      ).toEqual([])
    },
  )

  test('makes no stream of what differs from line to line', async ({ signal }) => {
    const names = (await streams('{service=~".+"}', signal)).flatMap((labels) =>
      Object.keys(labels),
    )
    expect([...new Set(names)].sort()).toEqual(['environment', 'level', 'service'])
  })
})
