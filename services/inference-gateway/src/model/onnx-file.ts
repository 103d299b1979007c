/**
 * Looks into an ONNX file before any runtime does. A policy is a small chain of plain operators, so
 * everything else is refused by shape: weights in other files, subgraphs, functions, operators of
 * other domains. Only as much of protobuf is read as that takes.
 */
const ALLOWED_OPERATORS = new Set(
  (
    'Add Cast Clip Concat Constant Div Elu Flatten Gather Gemm Identity LeakyRelu MatMul Max Min Mul ' +
    'Neg Relu Reshape Selu Shape Sigmoid Softplus Squeeze Sub Tanh Transpose Unsqueeze'
  ).split(' '),
)
const MAX_NODES = 512

/** Field numbers of onnx.proto3. */
const MODEL = { graph: 7, trainingInfo: 20, functions: 25 }
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 }
const NODE = { opType: 4, attribute: 5, domain: 7 }
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 }
const TENSOR = { externalData: 13, dataLocation: 14 }

/** Why a file is not a policy we run; undefined when it is. Never throws, whatever the bytes. */
export function onnxFault(bytes: Uint8Array): string | undefined {
  try {
    return modelFault(bytes)
  } catch (error) {
    if (error instanceof WireError) return `not an ONNX file: ${error.message}`
    throw error
  }
}

function modelFault(bytes: Uint8Array): string | undefined {
  let graphs = 0
  for (const { number, body } of fieldsOf(bytes)) {
    if (number === MODEL.functions || number === MODEL.trainingInfo)
      return 'functions and training graphs are not run here'
    if (number !== MODEL.graph || body === undefined) continue
    graphs += 1
    const fault = graphFault(body)
    if (fault !== undefined) return fault
  }
  return graphs === 1 ? undefined : `expected one graph, found ${graphs}`
}

function graphFault(graph: Uint8Array): string | undefined {
  let nodes = 0
  for (const { number, body } of fieldsOf(graph)) {
    if (number === GRAPH.sparseInitializer) return 'sparse weights are not run here'
    if (body === undefined) continue
    let fault: string | undefined
    if (number === GRAPH.initializer) fault = tensorFault(body)
    if (number === GRAPH.node) {
      nodes += 1
      fault = nodes > MAX_NODES ? `more than ${MAX_NODES} operators` : nodeFault(body)
    }
    if (fault !== undefined) return fault
  }
  return undefined
}

function nodeFault(node: Uint8Array): string | undefined {
  let operator = ''
  let domain = ''
  for (const { number, body } of fieldsOf(node)) {
    if (body === undefined) continue
    if (number === NODE.opType) operator = Buffer.from(body).toString()
    if (number === NODE.domain) domain = Buffer.from(body).toString()
    const fault = number === NODE.attribute ? attributeFault(body) : undefined
    if (fault !== undefined) return fault
  }
  const known = ALLOWED_OPERATORS.has(operator) && (domain === '' || domain === 'ai.onnx')
  return known ? undefined : `the operator ${JSON.stringify(operator)} is not one we run`
}

function attributeFault(attribute: Uint8Array): string | undefined {
  const refused: readonly number[] = [
    ATTRIBUTE.graph,
    ATTRIBUTE.graphs,
    ATTRIBUTE.sparse,
    ATTRIBUTE.sparses,
  ]
  for (const { number, body } of fieldsOf(attribute)) {
    if (refused.includes(number)) return 'subgraphs and sparse tensors are not run here'
    const isTensor = number === ATTRIBUTE.tensor || number === ATTRIBUTE.tensors
    const fault = isTensor && body !== undefined ? tensorFault(body) : undefined
    if (fault !== undefined) return fault
  }
  return undefined
}

function tensorFault(tensor: Uint8Array): string | undefined {
  for (const { number, varint } of fieldsOf(tensor)) {
    const external = number === TENSOR.dataLocation && varint !== 0n
    if (external || number === TENSOR.externalData)
      return 'its weights lie outside the file (external data)'
  }
  return undefined
}

class WireError extends Error {}

interface Field {
  readonly number: number
  /** Of wire type 2. */
  readonly body: Uint8Array | undefined
  /** Of wire type 0. */
  readonly varint: bigint | undefined
}

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const cursor = { at: 0 }
  while (cursor.at < bytes.length) {
    const tag = varintAt(bytes, cursor)
    const number = Number(tag >> 3n)
    const wireType = Number(tag & 7n)
    if (wireType === 0) yield { number, body: undefined, varint: varintAt(bytes, cursor) }
    else {
      const length = lengthOf(wireType, bytes, cursor)
      const end = cursor.at + length
      if (end > bytes.length) throw new WireError('a field ends after the file')
      const body = wireType === 2 ? bytes.subarray(cursor.at, end) : undefined
      yield { number, body, varint: undefined }
      cursor.at = end
    }
  }
}

function lengthOf(wireType: number, bytes: Uint8Array, cursor: { at: number }): number {
  if (wireType === 1) return 8
  if (wireType === 5) return 4
  if (wireType === 2) return Number(varintAt(bytes, cursor))
  throw new WireError(`wire type ${wireType}`)
}

function varintAt(bytes: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at]
    if (byte === undefined) throw new WireError('a number ends after the file')
    cursor.at += 1
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  throw new WireError('a number is too long')
}
