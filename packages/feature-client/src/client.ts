import { writeInstant } from './event-time.ts'
import { frameOf } from './frame.ts'
import { type Call, createCaller } from './http/caller.ts'
import { unusable } from './http/connection.ts'
import { createOnlinePlanner, type OnlineRequest, onlineBody } from './online-request.ts'
import type {
  FeatureRef,
  FeaturesRequest,
  FeaturesRow,
  OnlineReply,
  ServiceName,
  ServiceRequest,
  ServiceRow,
} from './online-types.ts'
import { type ReadRow, ReplyError, readReply } from './reply.ts'
import { parseReplyJson } from './reply-json.ts'
import type { FeatureSchema, PushSchema } from './schema.ts'
import type {
  MaterializeIncrementalRequest,
  MaterializeOptions,
  MaterializeRequest,
  PushRequest,
  PushSourceName,
  WritableView,
  WriteRequest,
} from './write-types.ts'

export interface FeatureClientOptions {
  /** Base URL of the server, with a path where it stands behind one. */
  readonly url: string
  /** Bearer key or token; empty where none is needed. Writing needs a writer's. A function is asked before each request. */
  readonly key?: string | (() => string)
  /** Of one call, all its attempts together; 1000 unless given. Materialization has none. */
  readonly deadlineMs?: number
  /** At most so many a call; 3 unless given. */
  readonly attempts?: number
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string
}

/**
 * Every call throws `ServiceError`: FeatureServerError where the server refused, `features_unavailable`
 * where it gave no usable answer, `deadline_exceeded`, `invalid_request` for what cannot be sent; or the
 * reason of its signal.
 */
export interface FeatureClient<S extends FeatureSchema> extends AsyncDisposable {
  /** The newest values of a feature service, one row an entity. */
  getOnlineFeatures<N extends ServiceName<S>, Full extends boolean = false>(
    request: ServiceRequest<S, N, Full>,
    signal?: AbortSignal,
  ): Promise<OnlineReply<ServiceRow<S, N, Full>>>
  /** The newest values of features, each `view:feature`, one row an entity. */
  getOnlineFeatures<R extends FeatureRef<S>, Full extends boolean = false>(
    request: FeaturesRequest<S, R, Full>,
    signal?: AbortSignal,
  ): Promise<OnlineReply<FeaturesRow<S, R, Full>>>
  /** Writes rows to every view of a push source. The newest event wins, so it is tried again; not offline. */
  push<N extends PushSourceName<S>>(request: PushRequest<S, N>, signal?: AbortSignal): Promise<void>
  /** Writes rows to one view. */
  writeToOnlineStore<V extends WritableView<S>>(
    request: WriteRequest<S, V>,
    signal?: AbortSignal,
  ): Promise<void>
  /**
   * Copies rows from history to the online store, for as long as that takes. Not tried again once it may
   * have begun; `conflict` names views that are being materialized already.
   */
  materialize(request: MaterializeRequest<S>, signal: AbortSignal): Promise<void>
  materializeIncremental(
    request: MaterializeIncrementalRequest<S>,
    signal: AbortSignal,
  ): Promise<void>
  /** Ends what is under way and cuts the connections; calls from then on fail. */
  close(): Promise<void>
}

/** Served beside a reply by our own server: the definition under which its rows were computed. */
const DEFINITION_HEADER = 'usdcop-definition-hash'
const DEADLINE_MS = 1_000
const ATTEMPTS = 3

/**
 * A client of one feature server, Feast's or ours, over connections that it keeps until it is closed.
 * With a schema, as `usdcop feast client-types` writes it, requests and rows are typed by its names and
 * values are read by its types.
 * @throws ServiceError `config_invalid`
 */
export function createFeatureClient<const S extends FeatureSchema>(
  options: FeatureClientOptions & { readonly schema: S },
): FeatureClient<S>
export function createFeatureClient(options: FeatureClientOptions): FeatureClient<FeatureSchema>
export function createFeatureClient({
  url,
  key = '',
  deadlineMs = DEADLINE_MS,
  attempts = ATTEMPTS,
  ca,
  schema,
}: FeatureClientOptions & { readonly schema?: FeatureSchema }): FeatureClient<FeatureSchema> {
  const caller = createCaller({ url, key, attempts, ca })
  const plan = createOnlinePlanner(schema)
  const close = () => caller.close()
  const send = async (path: string, body: object, signal?: AbortSignal, repeatable = true) => {
    await caller.post({ path, body, repeatable, deadlineMs }, signal)
  }
  const materialize = async (path: string, body: object, options: Options, signal: AbortSignal) => {
    const call = materialization(path, body, options)
    await caller.post(call, signal)
  }

  const client: Untyped = {
    async getOnlineFeatures(request, signal) {
      const { columns, entityTypes } = plan(request)
      const body = onlineBody(request, entityTypes)
      const call: Call = { path: 'get-online-features', body, repeatable: true, deadlineMs }
      const { text, headers, endpoint } = await caller.post(call, signal)
      try {
        const rows = readReply(parseReplyJson(text), request.entities, columns)
        // A header that stands twice arrives joined, and then is no definition anybody knows.
        return { rows, definitionHash: headers[DEFINITION_HEADER]?.toString() ?? null }
      } catch (error) {
        if (error instanceof ReplyError || error instanceof SyntaxError)
          throw unusable(endpoint, error)
        throw error
      }
    },
    async push({ source, rows, to = 'online' }, signal) {
      const df = frameOf(rows, schema?.pushSources[source])
      // What goes offline is appended, and twice would stand there twice.
      await send('push', { push_source_name: source, df, to }, signal, to === 'online')
    },
    async writeToOnlineStore({ view, rows }, signal) {
      const df = frameOf(rows, writtenSchema(schema?.views[view]))
      await send('write-to-online-store', { feature_view_name: view, df }, signal)
    },
    async materialize({ start, end, all, ...options }, signal) {
      const window = all
        ? { disable_event_timestamp: true }
        : { start_ts: writeInstant(start), end_ts: writeInstant(end) }
      await materialize('materialize', window, options, signal)
    },
    async materializeIncremental({ end, ...options }, signal) {
      await materialize('materialize-incremental', { end_ts: writeInstant(end) }, options, signal)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
  return client as FeatureClient<FeatureSchema>
}

type Options = MaterializeOptions<FeatureSchema>

/** The client as it runs: the same for every schema. */
type Untyped = Omit<FeatureClient<FeatureSchema>, 'getOnlineFeatures'> & {
  getOnlineFeatures(request: OnlineRequest, signal?: AbortSignal): Promise<OnlineReply<ReadRow>>
}

function materialization(path: string, window: object, { views, background }: Options): Call {
  return {
    path: background === true ? `${path}?async=true` : path,
    body: { ...window, ...(views !== undefined && { feature_views: views }) },
    repeatable: false,
    deadlineMs: undefined,
  }
}

function writtenSchema(view: FeatureSchema['views'][string] | undefined): PushSchema | undefined {
  const { timestampField } = view ?? {}
  return view === undefined || timestampField === undefined
    ? undefined
    : { ...view, timestampField }
}
