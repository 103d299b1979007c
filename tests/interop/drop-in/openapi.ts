import { startOwnRedis } from '@usdcop/tests/support/redis'
import { expect, test } from 'vitest'
import { runSchemathesis } from './schemathesis.ts'
import { feastRepository, startOurs, WRITER } from './servers.ts'

const SEED = 67

/** Declares the test that the server answers as its own /openapi.json says. */
export function testOpenApi(examples: number, timeoutMs = 300_000): void {
  test(
    `answers as /openapi.json says, to ${examples} random bodies a route`,
    async ({ signal }) => {
      await using redis = await startOwnRedis()
      await using repository = await feastRepository(redis.url, signal)
      await using server = await startOurs(repository, 'FEAST_REPO')
      const report = await runSchemathesis(server.url, WRITER, { examples, seed: SEED }, signal)
      const { generated } = report.test_cases
      process.stdout.write(
        `${generated} cases of schemathesis, seed ${SEED}, ${examples} a route\n`,
      )
      expect(report.failures).toEqual([])
      expect(report.errors).toEqual([])
      expect(report).toMatchObject({ complete: true, exit_code: 0 })
      expect(report.operations.tested).toBe(report.operations.total)
      for (const route of ['/get-online-features', '/push', '/write-to-online-store']) {
        const phases = Object.values(report.valid_rates[`POST ${route}`] ?? {})
        expect(Math.max(...phases.map(({ accepted }) => accepted))).toBeGreaterThan(examples / 20)
      }
      const { status } = await fetch(`${server.url}/health`)
      expect(status).toBe(200)
    },
    timeoutMs,
  )
}
