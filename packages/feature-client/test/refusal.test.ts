import { expect, test } from 'vitest'
import { refused } from '../src/http/refusal.ts'
import { doubleEncoded } from './support/scripted-server.ts'

const endpoint = new URL('http://feast:6566/push')
const read = (status: number, text: string) => refused(endpoint, { status, text }, '')

test.for<
  [status: number, body: string, code: string, feastClass: string | undefined, text: string]
>([
  [
    404,
    doubleEncoded('FeatureViewNotFoundException', 'no v'),
    'feature_view_unknown',
    'FeatureViewNotFoundException',
    'no v',
  ],
  [
    404,
    doubleEncoded('FeatureViewVersionNotFound', 'no v2'),
    'feature_view_version_unknown',
    'FeatureViewVersionNotFound',
    'no v2',
  ],
  [
    404,
    doubleEncoded('FeatureServiceNotFoundException', 's'),
    'feature_service_unknown',
    'FeatureServiceNotFoundException',
    's',
  ],
  [
    404,
    doubleEncoded('RequestDataNotFoundInEntityRowsException', 'r'),
    'request_data_missing',
    'RequestDataNotFoundInEntityRowsException',
    'r',
  ],
  [404, doubleEncoded('FeastError', 'Feature f'), 'feature_unknown', 'FeastError', 'Feature f'],
  [
    404,
    doubleEncoded('FeastObjectNotFoundException', 'e'),
    'not_found',
    'FeastObjectNotFoundException',
    'e',
  ],
  [
    422,
    doubleEncoded('PushSourceNotFoundException', 'p'),
    'push_source_unknown',
    'PushSourceNotFoundException',
    'p',
  ],
  [
    500,
    doubleEncoded('FeatureNameCollisionError', 'c'),
    'feature_name_collision',
    'FeatureNameCollisionError',
    'c',
  ],
  [403, doubleEncoded('FeastPermissionError', 'no'), 'forbidden', 'FeastPermissionError', 'no'],
  [422, doubleEncoded('FeastError', 'bad ñ'), 'invalid_request', 'FeastError', 'bad ñ'],
  [501, doubleEncoded('FeastError', 'python'), 'not_supported', 'FeastError', 'python'],
  [503, doubleEncoded('FeastError', 'later'), 'features_unavailable', 'FeastError', 'later'],
  [
    422,
    `{"detail":${doubleEncoded('FeastError', 'inside')}}`,
    'invalid_request',
    'FeastError',
    'inside',
  ],
  [
    422,
    '{"detail":{"module":"m","class":"FeastError","message":"object"}}',
    'invalid_request',
    'FeastError',
    'object',
  ],
  [500, '"a bare text"', 'features_unavailable', undefined, 'a bare text'],
  [
    401,
    '{"detail":"Missing authentication token"}',
    'unauthenticated',
    undefined,
    'Missing authentication token',
  ],
  [404, '{"detail":"Not Found"}', 'not_found', undefined, 'Not Found'],
  [
    422,
    '{"detail":[{"type":"missing","loc":["body","entities"],"msg":"Field required"},"x"]}',
    'invalid_request',
    undefined,
    'body.entities: Field required; x',
  ],
  [409, '{"error":"busy","feature_views":["a"]}', 'conflict', undefined, 'busy'],
  [500, '{"error":"go","status_code":500}', 'features_unavailable', undefined, 'go'],
  [
    403,
    '{"error":{"code":"host_refused","message":"no such host"}}',
    'forbidden',
    undefined,
    'no such host',
  ],
  [504, '<html>', 'deadline_exceeded', undefined, '<html>'],
  [413, '', 'payload_too_large', undefined, ''],
  [415, '{"x":1}', 'unsupported_media_type', undefined, '{"x":1}'],
  [418, '{"detail":{"x":1}}', 'features_unavailable', undefined, '{"detail":{"x":1}}'],
])('reads %i %s', ([status, body, code, feastClass, text]) => {
  const error = read(status, body)
  expect(error).toMatchObject({ code, refusal: { status, feastClass, text } })
  expect(error.message).toContain(`http://feast:6566/push answered ${status}`)
})

test('names the views that are being materialized already', () => {
  expect(read(409, '{"error":"busy","feature_views":["a","b"]}').refusal.views).toEqual(['a', 'b'])
  expect(read(409, '{"error":"busy","feature_views":[1]}').refusal.views).toEqual([])
})

test('shortens what a server says at length', () => {
  expect(read(500, 'x'.repeat(10_000)).refusal.text).toBe(`${'x'.repeat(500)}…`)
})
