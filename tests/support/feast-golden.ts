import { readFileSync } from 'node:fs'
import type { OnDemandView, Projection, Registry } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import type { EntityType } from '@usdcop/feast/wire/entity-key'
import type { ValueType } from '@usdcop/feast/wire/value'

/** What real Feast said, as feature_repo/golden.py wrote it down. */
export interface Golden {
  readonly feast: string
  readonly rowTimeMs: number
  readonly definitions: {
    readonly project: string
    readonly entities: readonly { name: string; joinKey: string; valueType: EntityType }[]
    readonly views: readonly {
      name: string
      entities: readonly string[]
      features: readonly { name: string; valueType: ValueType }[]
      ttlMs: number
      pushSource: string | null
      disabled?: boolean
      online?: boolean
    }[]
    readonly services: readonly {
      name: string
      projections: readonly Projection[]
      precomputeOnline?: boolean
    }[]
    readonly onDemandViews: readonly Omit<OnDemandView, 'tags' | 'transform'>[]
    readonly pushSources: readonly { name: string; timestampField: string }[]
  }
  readonly entityKeys: readonly {
    readonly pairs: readonly { joinKey: string; type: EntityType; value: string }[]
    readonly hex: string
    readonly redisKey: string
  }[]
  readonly values: readonly {
    readonly type: ValueType | null
    readonly hex: string
    readonly json: string
    readonly readOnly?: true
  }[]
  readonly hashFields: readonly { view: string; feature: string; hex: string }[]
  readonly timestamps: readonly { micros: number; hex: string; text: string }[]
  readonly redisRows: readonly { key: string; fields: Readonly<Record<string, string>> }[]
  readonly replies: readonly GoldenReply[]
}

export interface GoldenReply {
  readonly name: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly request: string
  readonly contentType?: string | null
  readonly reply: { readonly status: number; readonly contentType: string; readonly body: string }
}

export function readGolden(): Golden {
  const file = new URL('../golden/feast.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Golden
}

/** What golden.py has Feast compute in Python. */
const scaled: NonNullable<OnDemandView['transform']> = ({ acc_rate, factor, trips, unit }) => ({
  scaled_rate:
    acc_rate?.type === 'DOUBLE' && factor?.type === 'DOUBLE'
      ? { type: 'DOUBLE', value: acc_rate.value * factor.value }
      : null,
  told:
    trips?.type === 'INT64' && unit?.type === 'STRING'
      ? { type: 'STRING', value: `${trips.value} ${unit.value}` }
      : null,
})

/** The definitions Feast had when it answered. */
export function goldenRegistry({ definitions }: Golden): Registry {
  return createRegistry({
    ...definitions,
    entities: definitions.entities.map((entity) => ({ ...entity, tags: {} })),
    views: definitions.views.map(({ pushSource, ...view }) => ({
      ...view,
      pushSource: pushSource ?? undefined,
      tags: {},
    })),
    services: definitions.services.map((service) => ({ ...service, tags: {} })),
    onDemandViews: definitions.onDemandViews.map((view) => ({
      ...view,
      mode: 'typescript',
      tags: {},
      ...(view.name === 'scaled' ? { transform: scaled } : {}),
    })),
  })
}
