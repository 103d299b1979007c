import type { RepoConfig } from '../config/repo-config.ts'
import { createTransformer, type Transformer } from '../serving/transform.ts'

export interface OpenTransformer {
  readonly transform: Transformer
  readonly close: () => void
}

/** Runs on-demand views as a repository says: with its transformation service, where it names one. */
export async function openTransformer({
  transformationEndpoint: endpoint,
  project,
}: Pick<RepoConfig, 'transformationEndpoint' | 'project'>): Promise<OpenTransformer> {
  if (endpoint === undefined) return { transform: createTransformer(), close: () => {} }
  // Arrow and gRPC are much to load for those who have no such service.
  const { connectTransformationService } = await import('./service.ts')
  const service = connectTransformationService(endpoint, project)
  return { transform: createTransformer(service.transform), close: () => service.close() }
}
