import { createFeatureClient, type FeatureClient } from '@usdcop/feature-client/client'
import { usdcopTradingFeatures } from '@usdcop/feature-repo/client-types'
import { ServiceError } from '@usdcop/service/errors'
import type { FeatureRef } from '../rules.ts'

export interface FeatureServer {
  /** Base URL. */
  readonly url: string
  /** Bearer key; empty where none is needed. It must be a writer's for pushes. */
  readonly key: string | (() => string)
  /** Of one call, all its attempts together. */
  readonly deadlineMs: number
}

/** Views and features are the contract's, whichever that is; all are numbers about a symbol. */
interface GatewaySchema {
  readonly project: string
  readonly views: Readonly<Record<string, ContractView>>
  readonly services: Readonly<Record<string, never>>
  readonly pushSources: Pick<typeof usdcopTradingFeatures.pushSources, 'state_push'>
}

interface ContractView {
  readonly entities: { readonly symbol: 'STRING' }
  readonly features: Readonly<Record<string, 'DOUBLE'>>
}

export type GatewayClient = FeatureClient<GatewaySchema>

/** One client for what the gateway asks and what it tells. Whoever opens it closes it. */
export function openFeatureServer(
  server: FeatureServer,
  features: readonly FeatureRef[],
): GatewayClient {
  const { project, pushSources } = usdcopTradingFeatures
  const views = Object.groupBy(features, ({ view }) => view)
  const schema: GatewaySchema = {
    project,
    views: Object.fromEntries(
      Object.entries(views).map(([view, some = []]) => [view, contractView(some)]),
    ),
    services: {},
    pushSources,
  }
  return createFeatureClient({ ...server, schema })
}

function contractView(features: readonly FeatureRef[]): ContractView {
  return {
    entities: { symbol: 'STRING' },
    features: Object.fromEntries(features.map(({ name }) => [name, 'DOUBLE'])),
  }
}

/**
 * To the gateway a feature server that refuses is no better than one that is down.
 * @throws ServiceError `features_unavailable`, or the signal's reason
 */
export async function orUnavailable<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await answer
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ServiceError) || error.code === 'features_unavailable') throw error
    throw new ServiceError('features_unavailable', error.message, { cause: error })
  }
}
