import { type ErrorCode, ServiceError } from '@usdcop/service/errors'

/** What a feature server answered instead of what it was asked for. */
export interface Refusal {
  readonly status: number
  /** The Python exception that Feast's SDK would raise; undefined where the answer names none. */
  readonly feastClass: string | undefined
  /** The server's own words, shortened. */
  readonly text: string
  /** Of a refused materialization: views that are being materialized already. */
  readonly views: readonly string[]
}

/** An answer other than 2xx. Its `code` says what it means, whichever way the server put it. */
export class FeatureServerError extends ServiceError {
  readonly refusal: Refusal

  constructor(code: ErrorCode, href: string, refusal: Refusal) {
    const { status, text } = refusal
    super(code, `${href} answered ${status}${text === '' ? '' : `: ${text}`}`)
    this.refusal = refusal
  }
}

const OF_CLASS: Readonly<Record<string, ErrorCode>> = {
  FeatureViewNotFoundException: 'feature_view_unknown',
  OnDemandFeatureViewNotFoundException: 'feature_view_unknown',
  FeatureViewVersionNotFound: 'feature_view_version_unknown',
  FeatureServiceNotFoundException: 'feature_service_unknown',
  RequestDataNotFoundInEntityRowsException: 'request_data_missing',
  PushSourceNotFoundException: 'push_source_unknown',
  FeatureNameCollisionError: 'feature_name_collision',
  FeastPermissionError: 'forbidden',
}

const OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'invalid_request',
  429: 'too_many_requests',
  501: 'not_supported',
  504: 'deadline_exceeded',
}

/** @param secret is never repeated, whatever the server says */
export function refused(
  { href }: URL,
  { status, text }: { readonly status: number; readonly text: string },
  secret: string,
): FeatureServerError {
  const { feastClass, text: said, views = [] } = decode(text)
  const clean = secret === '' ? said : said.replaceAll(secret, '[key]')
  return new FeatureServerError(codeOf(status, feastClass), href, {
    status,
    feastClass,
    text: shortened(clean),
    views,
  })
}

function codeOf(status: number, feastClass: string | undefined): ErrorCode {
  const ofClass = feastClass === undefined ? undefined : OF_CLASS[feastClass]
  if (ofClass !== undefined) return ofClass
  // The only thing unknown that Feast has no class for.
  if (status === 404 && feastClass === 'FeastError') return 'feature_unknown'
  return OF_STATUS[status] ?? 'features_unavailable'
}

interface Decoded {
  readonly feastClass: string | undefined
  readonly text: string
  readonly views?: readonly string[]
}

/**
 * Feast's error detail is JSON inside a JSON string, bare or as `detail`. Beside it there are bare texts,
 * the `detail` of its web framework (a text, or a list of faults), and objects with an `error`.
 */
function decode(body: string): Decoded {
  const json = parsed(body)
  if (typeof json === 'string') return detailOf(json)
  if (!isObject(json)) return plain(body)
  const { detail, error, feature_views: views } = json
  if (typeof detail === 'string') return detailOf(detail)
  if (Array.isArray(detail)) return plain(detail.map(faultText).join('; '))
  if (isObject(detail)) return classed(detail) ?? plain(body)
  if (typeof error === 'string') return { ...plain(error), ...(isTexts(views) && { views }) }
  // A route that is not Feast's, as of the health of a service.
  if (isObject(error) && typeof error['message'] === 'string') return plain(error['message'])
  return plain(body)
}

function detailOf(text: string): Decoded {
  const json = parsed(text)
  return (isObject(json) ? classed(json) : undefined) ?? plain(text)
}

function classed({ class: feastClass, message }: Fields): Decoded | undefined {
  return typeof feastClass === 'string' && typeof message === 'string'
    ? { feastClass, text: message }
    : undefined
}

/** `body.entities: Field required`. */
function faultText(fault: unknown): string {
  if (!isObject(fault)) return String(fault)
  const { loc, msg } = fault
  return `${Array.isArray(loc) ? loc.join('.') : 'body'}: ${String(msg)}`
}

const plain = (text: string): Decoded => ({ feastClass: undefined, text })

type Fields = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const MAX_TEXT = 500

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
