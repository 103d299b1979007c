import { askJson } from './http.ts'

export interface Experiment {
  readonly experiment_id: string
  readonly name: string
}

export async function createExperiment(name: string, signal: AbortSignal): Promise<string> {
  const path = '/api/2.0/mlflow/experiments/create'
  const made = await askJson<{ experiment_id: string }>('mlflow', path, { body: { name } }, signal)
  return made.experiment_id
}

export async function findExperiments(
  name: string,
  signal: AbortSignal,
): Promise<readonly Experiment[]> {
  const body = { filter: `name = '${name}'`, max_results: 10 }
  const path = '/api/2.0/mlflow/experiments/search'
  const found = await askJson<{ experiments?: Experiment[] }>('mlflow', path, { body }, signal)
  return found.experiments ?? []
}

export async function deleteExperiment(id: string, signal: AbortSignal): Promise<void> {
  const body = { experiment_id: id }
  await askJson('mlflow', '/api/2.0/mlflow/experiments/delete', { body }, signal)
}
