import type { Docker } from '../docker.ts'
import type { ImageUse } from './files.ts'

/** What our own images are built from; no container runs it. */
const BASE = 'NODE_IMAGE'
/** A registry that has not answered by then is as good as none. */
const REGISTRY_MS = 20_000

export interface ImageQuestion {
  readonly named: readonly { readonly variable: string; readonly image: string }[]
  readonly built: readonly string[]
  readonly without: readonly string[]
  readonly docker: Docker
  readonly askRegistry: boolean
}

/** Where each image of the stack is to be had; the base of ours only where one is to be built. */
export async function imageUses(
  { named, built, without, docker, askRegistry }: ImageQuestion,
  signal: AbortSignal,
): Promise<readonly ImageUse[]> {
  const ours = await Promise.all(
    built.map(async (image) => ({
      image,
      ours: true,
      here: await docker.hasImage(image, signal),
      pullable: undefined,
    })),
  )
  const building = ours.some(({ here }) => !here)
  const images = named
    .filter(({ variable }) => variable !== BASE || building)
    .filter(({ variable }) => !without.includes(serviceOf(variable)))
    .map(({ image }) => image)
  const public_ = [...new Set(images)].map(async (image): Promise<ImageUse> => {
    const here = await docker.hasImage(image, signal)
    const asked = askRegistry && !here
    const pullable = asked ? await isPullable(image, docker, signal) : undefined
    return { image, ours: false, here, pullable }
  })
  return [...(await Promise.all(public_)), ...ours]
}

/** `OTEL_COLLECTOR_IMAGE` is the image of `otel-collector`. */
function serviceOf(variable: string): string {
  return variable
    .replace(/_IMAGE$/, '')
    .toLowerCase()
    .replaceAll('_', '-')
}

async function isPullable(image: string, docker: Docker, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.timeout(REGISTRY_MS)
  try {
    const both = AbortSignal.any([signal, limit])
    return (await docker.ask(['manifest', 'inspect', image], both)).code === 0
  } catch (error) {
    if (limit.aborted && !signal.aborted) return false
    throw error
  }
}
