import { ServiceError } from '@usdcop/service/errors'

const UNIQUE_VIOLATION = '23505'
const QUERY_CANCELED = '57014'
/** SQLSTATEs that say "not now": connection, resources, shutdown, system, serialization. */
const UNAVAILABLE = /^(08...|53...|57P..|58...|40001|40P01)$/
const SOCKET = /^(ECONN|EPIPE|ENOTFOUND|ENOENT|EAI_|ETIMEDOUT|EHOST|ENETUNREACH)/

const field = (error: unknown, name: 'code' | 'constraint'): string => {
  const value = (error as Record<string, unknown> | null)?.[name]
  return typeof value === 'string' ? value : ''
}

/** Translates what both drivers throw; what it does not understand it returns untouched. */
export function fromSql(error: unknown): unknown {
  if (error instanceof ServiceError) return error
  const code = field(error, 'code')
  if (code === UNIQUE_VIOLATION)
    return new ServiceError('conflict', `already recorded (${field(error, 'constraint')})`, {
      cause: error,
    })
  if (code === QUERY_CANCELED)
    return new ServiceError('deadline_exceeded', 'the database did not answer in time', {
      cause: error,
    })
  if (UNAVAILABLE.test(code) || SOCKET.test(code))
    return new ServiceError('store_unavailable', 'the database is unavailable', { cause: error })
  return error
}
