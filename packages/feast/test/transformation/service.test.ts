import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js'
import {
  Bool,
  type DataType,
  Float64,
  Int64,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { expect, onTestFinished, test } from 'vitest'
import type { OnDemandRow, OnDemandView } from '../../src/registry/definitions.ts'
import { connectTransformationService } from '../../src/transformation/service.ts'
import { BYTES, ProtoReader, ProtoWriter } from '../../src/wire/protobuf.ts'

const { signal } = new AbortController()
const VIEW: OnDemandView = {
  name: 'doubled',
  features: [{ name: 'twice', valueType: 'DOUBLE' }],
  projections: [{ view: 'stats', features: ['rate'] }],
  requestSources: [],
  mode: 'pandas',
  tags: {},
}
const row = (rate: number | null): OnDemandRow => {
  const value = rate === null ? null : ({ type: 'FLOAT', value: rate } as const)
  return { driver: { type: 'INT32', value: 7 }, rate: value, stats__rate: value }
}

interface Asked {
  readonly name: string
  readonly project: string
  readonly table: Table
}

/** A service that answers with what the test computes; undefined never answers. */
async function start(answer: (asked: Asked) => Uint8Array | undefined | Error) {
  const server = new Server()
  const asked: Asked[] = []
  const left = Promise.withResolvers<void>()
  const handler: handleUnaryCall<Asked, Uint8Array> = (call, callback) => {
    asked.push(call.request)
    call.on('cancelled', () => left.resolve())
    const reply = answer(call.request)
    if (reply instanceof Error) callback({ code: status.UNKNOWN, details: reply.message })
    else if (reply !== undefined) callback(null, reply)
  }
  const method = {
    path: '/feast.serving.TransformationService/TransformFeatures',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: unknown) => value as Buffer,
    requestDeserialize: readRequest,
    responseSerialize: (arrow: Uint8Array) => nested(3, nested(1, arrow)),
    responseDeserialize: (bytes: Buffer) => bytes,
  }
  server.addService({ TransformFeatures: method }, { TransformFeatures: handler })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  onTestFinished(() => server.forceShutdown())
  return { asked, left: left.promise, service: connect(`127.0.0.1:${port}`) }
}

function connect(endpoint: string) {
  const service = connectTransformationService(endpoint, 'demo')
  onTestFinished(() => service.close())
  return service
}

const nested = (field: number, bytes: Uint8Array) =>
  new ProtoWriter().tag(field, BYTES).delimited(bytes).bytes()

function readRequest(bytes: Buffer): Asked {
  const fields = new Map<number, Buffer>()
  const reader = new ProtoReader(bytes)
  while (!reader.done) fields.set(reader.varint() >> 3, reader.delimited())
  const input = new ProtoReader(fields.get(3) as Buffer)
  input.varint()
  return {
    name: String(fields.get(1)),
    project: String(fields.get(2)),
    table: tableFromIPC(input.delimited()),
  }
}

const arrow = (name: string, type: DataType, ...values: unknown[]) =>
  tableToIPC(new Table({ [name]: vectorFromArray(values, type) }), 'file')

test('sends each feature once, in the types of Feast, and reads what comes back by either name', async () => {
  const { asked, service } = await start(({ table }) =>
    arrow(
      'doubled__twice',
      new Float64(),
      ...[...(table.getChild('rate') ?? [])].map((rate) => rate && 2 * rate),
    ),
  )
  expect(await service.transform(VIEW, [row(1.5), row(null)], signal)).toEqual([
    { twice: { type: 'DOUBLE', value: 3 } },
    { twice: null },
  ])
  const [{ name, project, table } = {} as Asked] = asked
  expect([name, project]).toEqual(['doubled', 'demo'])
  const types = Object.fromEntries(
    table.schema.fields.map((field) => [field.name, `${field.type}`]),
  )
  expect(types).toEqual({ driver: 'Int64', rate: 'Float64' })

  const short = await start(() => arrow('twice', new Int64(), 3n))
  const [computed] = await short.service.transform(VIEW, [row(1)], signal)
  expect(computed).toEqual({ twice: { type: 'DOUBLE', value: 3 } })
})

test('sends the long names of features that share a short one, and columns of nulls without a type', async () => {
  const { asked, service } = await start(() => arrow('twice', new Float64(), 1))
  const projections = ['stats', 'other'].map((view) => ({ view, features: ['rate'] }))
  const inputs = {
    rate: null,
    stats__rate: null,
    other__rate: { type: 'BOOL', value: true },
  } as const
  await service.transform({ ...VIEW, projections }, [inputs], signal)
  const types = asked[0]?.table.schema.fields.map(({ name, type }) => [name, `${type}`])
  expect(types).toEqual([
    ['stats__rate', 'Null'],
    ['other__rate', 'Bool'],
  ])
})

test.for<[string, Uint8Array | Error, string]>([
  ['it fails', new Error('an inner matter'), "On demand feature view 'doubled' failed"],
  ['a feature is missing', arrow('thrice', new Float64(), 1), 'gave no twice'],
  ['a row is missing', arrow('twice', new Float64()), 'gave 0 rows for 1'],
  ['a value is of another type', arrow('twice', new Bool(), true), 'something else than DOUBLE'],
  ['a text stands for a number', arrow('twice', new Utf8(), '1'), 'something else than DOUBLE'],
])('says which view it was when %s', async ([_name, reply, message]) => {
  const { service } = await start(() => reply)
  await expect(service.transform(VIEW, [row(1)], signal)).rejects.toMatchObject({
    code: 'transform_failed',
    message: expect.stringContaining(message),
  })
})

test('leaves when the signal says so, and the service hears of it', async () => {
  const { service, left, asked } = await start(() => undefined)
  const leaving = new AbortController()
  const computed = service.transform(VIEW, [row(1)], leaving.signal)
  const failure = computed.catch((error: unknown) => error)
  await expect.poll(() => asked.length).toBe(1)
  const reason = new Error('too late')
  leaving.abort(reason)
  expect(await failure).toBe(reason)
  await left
})

test('says that the service is away, and asks nothing that it cannot run', async () => {
  const service = connect('127.0.0.1:1')
  await expect(service.transform(VIEW, [row(1)], signal)).rejects.toMatchObject({
    code: 'transformations_unavailable',
  })
  for (const mode of ['python', 'substrait'] as const)
    await expect(service.transform({ ...VIEW, mode }, [row(1)], signal)).rejects.toMatchObject({
      code: 'not_supported',
      message: expect.stringContaining(`of the mode ${mode}`),
    })
  const inputs = { given: { type: 'MAP', value: new Map() } } as const
  await expect(service.transform(VIEW, [inputs], signal)).rejects.toThrow('takes given as MAP')
})
