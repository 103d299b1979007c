import {
  Client,
  credentials,
  type ServiceError as GrpcError,
  Metadata,
  status,
} from '@grpc/grpc-js'
import { ServiceError } from '@usdcop/service/errors'
import type { OnDemandView } from '../registry/definitions.ts'
import { refusedMode, type Transformer } from '../serving/transform.ts'
import { BYTES, ProtoReader, ProtoWriter } from '../wire/protobuf.ts'
import { fromArrow, toArrow } from './arrow-rows.ts'

export interface TransformationService {
  readonly transform: Transformer
  close(): void
}

const METHOD = '/feast.serving.TransformationService/TransformFeatures'
const MOST_REPLY_BYTES = 64 * 1_024 * 1_024

/**
 * Feast's transformation service (`feast serve_transformations`), which runs on-demand views in Python.
 * It need not be there yet: calls fail until it is.
 * @param endpoint `host:port`; without TLS, as Feast's own Go server speaks to it
 */
export function connectTransformationService(
  endpoint: string,
  project: string,
): TransformationService {
  const client = new Client(endpoint, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MOST_REPLY_BYTES,
    // A service that comes back is used at once; by default gRPC waits up to two minutes.
    'grpc.max_reconnect_backoff_ms': 1_000,
  })
  return {
    async transform(view, inputs, signal) {
      signal.throwIfAborted()
      // Feast 0.67 refuses the others there, whatever it says of them here.
      if (view.mode !== 'pandas') throw refusedMode(view)
      if (inputs.length === 0) return []
      const reply = await call(client, request(view, project, toArrow(view, inputs)), view, signal)
      return fromArrow(view, reply, inputs.length)
    },
    close: () => client.close(),
  }
}

function request({ name }: OnDemandView, project: string, arrow: Uint8Array): Buffer {
  const input = new ProtoWriter().tag(1, BYTES).delimited(arrow).bytes()
  return new ProtoWriter()
    .tag(1, BYTES)
    .delimited(Buffer.from(name))
    .tag(2, BYTES)
    .delimited(Buffer.from(project))
    .tag(3, BYTES)
    .delimited(input)
    .bytes()
}

/** The Arrow file in a reply; empty where it holds none. */
function arrowIn(reply: Buffer): Buffer {
  return fieldOf(fieldOf(reply, OUTPUT), ARROW)
}

const OUTPUT = 3
const ARROW = 1

function fieldOf(message: Buffer, number: number): Buffer {
  const reader = new ProtoReader(message)
  let found: Buffer = Buffer.alloc(0)
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === ((number << 3) | BYTES)) found = reader.delimited()
    else reader.skip(tag & 7)
  }
  return found
}

async function call(
  client: Client,
  message: Buffer,
  view: OnDemandView,
  signal: AbortSignal,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const same = (bytes: Buffer): Buffer => bytes
  const under = client.makeUnaryRequest(
    METHOD,
    same,
    arrowIn,
    message,
    new Metadata(),
    {},
    (error, reply) => {
      if (error !== null) reject(error)
      else resolve(reply ?? Buffer.alloc(0))
    },
  )
  const leave = () => under.cancel()
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await promise
  } catch (error) {
    throw signal.aborted ? signal.reason : told(view, error as GrpcError)
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function told({ name }: OnDemandView, cause: GrpcError): ServiceError {
  if (cause.code === status.UNAVAILABLE)
    return new ServiceError(
      'transformations_unavailable',
      `On demand feature view '${name}': the transformation service did not answer`,
      { cause },
    )
  if (cause.code === status.RESOURCE_EXHAUSTED)
    return new ServiceError(
      'payload_too_large',
      `On demand feature view '${name}': too many rows for one call of the transformation service`,
      { cause },
    )
  return new ServiceError('transform_failed', `On demand feature view '${name}' failed`, { cause })
}
