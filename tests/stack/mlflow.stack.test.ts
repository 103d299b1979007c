import { describe, expect, test } from 'vitest'
import { ask, askJson } from './support/http.ts'
import { createExperiment, deleteExperiment, findExperiments } from './support/mlflow.ts'

describe('MLflow', () => {
  test('is healthy', async ({ signal }) => {
    const answer = await ask('mlflow', '/health', {}, signal)
    expect(answer).toMatchObject({ status: 200, text: 'OK' })
  })

  test('keeps an experiment, its run and its artifact', async ({ signal }) => {
    const name = `stack-ring ${Date.now()}`
    const experimentId = await createExperiment(name, signal)
    try {
      expect(await findExperiments(name, signal)).toEqual([
        expect.objectContaining({ name, experiment_id: experimentId }),
      ])
      const { run } = await mlflow<{ run: { info: { run_id: string } } }>(
        'runs/create',
        { experiment_id: experimentId, start_time: Date.now() },
        signal,
      )
      const { run_id: runId } = run.info
      const metric = { run_id: runId, key: 'sharpe', value: 0.25, timestamp: Date.now() }
      await mlflow('runs/log-metric', metric, signal)
      const found = await mlflow<object>(
        'runs/search',
        { experiment_ids: [experimentId], filter: 'metrics.sharpe > 0.2' },
        signal,
      )
      expect(found).toMatchObject({ runs: [{ info: { run_id: runId } }] })

      // Through the server, so that no client needs the store's keys.
      const artifact = `/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${runId}/artifacts/note.json`
      const note = { method: 'PUT', body: { kept: true } } as const
      expect(await ask('mlflow', artifact, note, signal)).toMatchObject({ status: 200 })
      expect(await askJson('mlflow', artifact, {}, signal)).toEqual({ kept: true })
      const { files } = await askJson<{ files: { path: string }[] }>(
        'mlflow',
        `/api/2.0/mlflow/artifacts/list?run_id=${runId}`,
        {},
        signal,
      )
      expect(files.map(({ path }) => path)).toEqual(['note.json'])
    } finally {
      await deleteExperiment(experimentId, signal)
    }
  })

  test('refuses a name that is not its own, or any page could speak to it', async ({ signal }) => {
    const headers = { host: 'attacker.example' }
    const { status } = await ask(
      'mlflow',
      '/api/2.0/mlflow/experiments/search',
      { headers },
      signal,
    )
    expect(status).toBe(403)
  })
})

async function mlflow<T>(path: string, body: object, signal: AbortSignal): Promise<T> {
  return await askJson('mlflow', `/api/2.0/mlflow/${path}`, { body }, signal)
}
