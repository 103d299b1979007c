import type { FeatureRef } from '../rules.ts'
import { type GatewayClient, orUnavailable } from './client.ts'
import type { FeatureSource } from './source.ts'

/** Features over Feast's HTTP API, whoever serves it. */
export function createHttpSource(
  client: GatewayClient,
  features: readonly FeatureRef[],
): FeatureSource {
  const refs = features.map(({ view, name }) => `${view}:${name}` as const)
  return {
    async read(symbol, signal) {
      const request = { features: refs, entities: { symbol: [symbol] } }
      const asked = client.getOnlineFeatures(request, signal)
      const { rows, definitionHash } = await orUnavailable(asked, signal)
      const served = rows[0]!.features
      return { definitionHash, features: features.map((ref) => ({ ...ref, ...served[ref.name]! })) }
    },
  }
}
