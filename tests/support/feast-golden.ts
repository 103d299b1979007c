import { readFileSync } from 'node:fs'
import type { Registry } from '@usdcop/feast/registry/definitions'
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
    }[]
    readonly services: readonly {
      name: string
      projections: readonly { view: string; features: readonly string[] }[]
    }[]
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
  })
}
