import { ServiceError } from '@usdcop/service/errors'
import type { FastifyInstance } from 'fastify'
import type { RedisRotation } from '../redis-rotation/rotation.ts'
import { toldOf } from '../told.ts'

export interface RotationsDeps {
  /** Undefined where the broker rotates none. */
  readonly redisRotation?: Pick<RedisRotation, 'path' | 'rotate'> | undefined
}

/** Of the admin listener: another password now. */
export function rotations(app: FastifyInstance, { redisRotation }: RotationsDeps): void {
  app.post('/v1/rotations/redis', async (request) => {
    const told = toldOf(request)
    told.action = 'redis.rotate'
    if (redisRotation === undefined)
      throw new ServiceError('not_found', 'no Redis is rotated here: REDIS_ROTATION_URL names none')
    const { path } = redisRotation
    told.about = { secret: path }
    const { version, passwordsAccepted } = await redisRotation.rotate()
    told.about = { secret: path, version }
    return { secret: path, version, passwordsAccepted }
  })
}
