import { z } from 'zod'
import { schemaBoolean } from './body.ts'
import { MaterializeIncrementalSchema, MaterializeSchema } from './materialize/request.ts'
import { OnlineRequestSchema } from './online-request.ts'
import { PushRequestSchema, WriteRequestSchema } from './push-request.ts'

const OnlineReplySchema = z.object({
  results: z.array(
    z.object({
      values: z.array(z.unknown()),
      statuses: z.array(
        z.enum(['INVALID', 'PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE']),
      ),
      event_timestamps: z.array(z.string()).optional(),
    }),
  ),
  metadata: z
    .object({ feature_names: z.array(z.string()) })
    .catchall(z.unknown())
    .optional(),
})
const AcceptedSchema = z.object({
  status: z.literal('accepted'),
  feature_views: z.array(z.string()),
})
const ConflictSchema = z.object({ error: z.string(), feature_views: z.array(z.string()) })
const FaultsSchema = z.object({
  detail: z.array(
    z.object({
      type: z.string(),
      loc: z.array(z.union([z.string(), z.number()])),
      msg: z.string(),
      input: z.unknown(),
      ctx: z.unknown().optional(),
    }),
  ),
})
const UnauthenticatedSchema = z.object({ detail: z.string() })
const ErrorDetailSchema = z.string().meta({
  description:
    'JSON inside a JSON string, as Feast answers: {"module", "class", "message"}. Its SDK raises the class again.',
})
const RequestErrorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), requestId: z.string() }),
})

interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  readonly headers?: Readonly<Record<string, unknown>>
}

const detail = (description: string): Answer => ({ description, schema: ErrorDetailSchema })

/** What any of Feast's routes may answer beside its own. */
const SHARED: Readonly<Record<string, Answer>> = {
  '400': {
    description: 'the request is not valid HTTP',
    schema: z.union([RequestErrorSchema, ErrorDetailSchema]),
  },
  '401': {
    description: 'no bearer token, or one that does not hold',
    schema: UnauthenticatedSchema,
  },
  '403': detail('the caller has no right to it'),
  '404': detail('no feature view, service or feature of that name'),
  '413': detail('the body, its rows or its values are over the limits'),
  '422': {
    description: 'the body does not fit its schema (an object), or the definitions (a string)',
    schema: z.union([FaultsSchema, ErrorDetailSchema]),
  },
  '429': {
    ...detail('too many requests under way'),
    headers: { 'Retry-After': { description: 'seconds', schema: { type: 'integer' } } },
  },
  '500': detail('a view on demand failed, or this server did'),
  '501': detail('this server was not set up for that, or cannot do it'),
  '503': detail('a server behind this one does not answer'),
  '504': detail('the answer did not come in time'),
}

interface Route {
  readonly summary: string
  /** Whether a caller without a token may be answered: reads may be open. */
  readonly open?: true
  readonly body: z.ZodType
  readonly answers: Readonly<Record<string, Answer>>
  readonly parameters?: readonly unknown[]
}

const flag = (name: string, description: string) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'boolean', default: false },
})
const materializing = {
  answers: {
    '200': { description: 'done', schema: z.null() },
    '202': { description: 'under way (`async`)', schema: AcceptedSchema },
    '409': { description: 'a view is being materialized already', schema: ConflictSchema },
  },
  parameters: [
    flag('async', 'answer before it is done'),
    flag('force', 'accepted, as in Feast; there is never a stuck run here to free'),
  ],
}

const ROUTES: Readonly<Record<string, Route>> = {
  '/get-online-features': {
    summary: 'Features of entities, column by column',
    open: true,
    body: OnlineRequestSchema,
    answers: { '200': { description: 'one result a name in metadata', schema: OnlineReplySchema } },
  },
  '/push': {
    summary: 'Rows for every view of a push source',
    body: PushRequestSchema,
    answers: { '200': { description: 'written' } },
  },
  '/write-to-online-store': {
    summary: 'Rows for one view, to the online store',
    body: WriteRequestSchema,
    answers: { '200': { description: 'written', schema: z.null() } },
  },
  '/materialize': {
    summary: 'Moves a window of history to the online store',
    body: MaterializeSchema,
    ...materializing,
  },
  '/materialize-incremental': {
    summary: "Moves history since each view's last materialization to the online store",
    body: MaterializeIncrementalSchema,
    ...materializing,
  },
}

/** The description of this server's API, made from the schemas that its bodies are held to. */
export function describeApi(): object {
  const paths = Object.entries(ROUTES).map(([path, route]) => [
    path,
    {
      post: {
        operationId: path.slice(1).replaceAll('-', '_'),
        summary: route.summary,
        ...(route.parameters && { parameters: route.parameters }),
        requestBody: {
          required: true,
          content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
        },
        responses: responsesOf({ ...SHARED, ...route.answers }),
        security: [...(route.open ? [{}] : []), { bearer: [] }],
      },
    },
  ])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Feature server',
      version: '1.0.0',
      description: "Feast's feature server: the same routes, bodies and errors.",
    },
    paths: {
      ...(Object.fromEntries(paths) as object),
      '/health': {
        get: {
          operationId: 'health',
          summary: 'Whether features can be served',
          responses: responsesOf({
            '200': { description: 'yes' },
            '503': { description: 'the online store does not answer' },
          }),
        },
      },
    },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  }
}

function responsesOf(answers: Readonly<Record<string, Answer>>): object {
  const told = Object.entries(answers).map(([status, { description, schema, headers }]) => [
    status,
    {
      description,
      ...(headers && { headers }),
      ...(schema && { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }),
    },
  ])
  return Object.fromEntries(told) as object
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      // Feast takes more for a boolean than booleans; those are what a caller should send.
      if (zodSchema === schemaBoolean) jsonSchema.type = 'boolean'
      if (io === 'output') delete jsonSchema.additionalProperties
    },
  })
  return rest
}
