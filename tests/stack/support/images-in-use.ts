import { join } from 'node:path'
import {
  compareImages,
  type ImageRow,
  type PinnedImage,
  parsePinned,
  parseStandIns,
} from '../images.ts'
import { ROOT, readIfThere, readText } from './given.ts'

const PINNED = 'images.env'

/** The file of images the stack was started with: `.env` says so in its head. */
function fileInUse(): string {
  const head = readIfThere(join(ROOT, '.env')) ?? ''
  return /^# images: (?<file>\S+)$/m.exec(head)?.groups?.['file'] ?? PINNED
}

/** The references that should run, by name. */
export function imagesInUse(): readonly PinnedImage[] {
  return parsePinned(readText(fileInUse()))
}

/** What runs for each pinned image. */
export function imageTable(): readonly ImageRow[] {
  const file = fileInUse()
  const standIns = file === PINNED ? [] : parseStandIns(readText(file))
  return compareImages(parsePinned(readText(PINNED)), standIns)
}
