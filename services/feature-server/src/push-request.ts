import { z } from 'zod'
import { schemaBoolean } from './body.ts'
import { fieldsOf } from './fields.ts'

type Body = Readonly<Record<string, unknown>>

/** Columns of equal length by name, as pandas takes them. */
export const FrameSchema = z.record(z.string(), z.array(z.unknown()))

export interface PushRequest {
  readonly pushSource: string
  /** Column name → values, or whatever the caller sent: `readFrame` judges it. */
  readonly df: Body
  readonly to: string
}

/** What a sound body of `POST /push` holds, for the API's description. */
export const PushRequestSchema = z.object({
  push_source_name: z.string(),
  df: FrameSchema,
  allow_registry_cache: schemaBoolean.default(true),
  to: z.enum(['online', 'offline', 'online_and_offline']).default('online'),
  transform_on_write: schemaBoolean.default(true),
})

/** The body of `POST /push`, refused in the words of Feast's server. */
export function parsePushRequest(body: Body): PushRequest {
  const fields = fieldsOf(body)
  const pushSource = fields.text('push_source_name')
  const df = fields.object('df')
  const to = body['to'] === undefined ? 'online' : fields.text('to')
  fields.boolean('allow_registry_cache', true)
  fields.boolean('transform_on_write', true)
  fields.end()
  return { pushSource, df, to }
}

export interface WriteRequest {
  readonly view: string
  readonly df: Body
  /** Of a stored on-demand view: false says that `df` has its features already. */
  readonly transforms: boolean
}

export const WriteRequestSchema = z.object({
  feature_view_name: z.string(),
  df: FrameSchema,
  allow_registry_cache: schemaBoolean.default(true),
  transform_on_write: schemaBoolean.default(true),
})

/** The body of `POST /write-to-online-store`. */
export function parseWriteRequest(body: Body): WriteRequest {
  const fields = fieldsOf(body)
  const view = fields.text('feature_view_name')
  const df = fields.object('df')
  fields.boolean('allow_registry_cache', true)
  const transforms = fields.boolean('transform_on_write', true)
  fields.end()
  return { view, df, transforms }
}
