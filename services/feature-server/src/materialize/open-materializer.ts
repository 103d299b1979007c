import { fileURLToPath } from 'node:url'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Config } from '../config.ts'
import { createChildMaterializer } from './child-materializer.ts'

const MATERIALIZER = fileURLToPath(new URL('main.ts', import.meta.url))

/** Materializes a repository in a process of its own, which the lifecycle ends. */
export function openMaterializer(
  { variables }: NonNullable<Config['repository']>,
  life: Lifecycle,
): Materializer {
  const materializer = createChildMaterializer(MATERIALIZER, variables)
  life.onClose('materializer', () => materializer.stop())
  return materializer
}
