import { join } from 'node:path'
import { compareImages, parsePinned, parseStandIns, tableOf } from '../images.ts'
import { ROOT, readIfThere, readText } from './given.ts'

/** Says what the ring speaks to before it speaks: which images are what they are called. */
export function setup(): void {
  if ((process.env['STACK_HOST'] ?? '') === '')
    throw new Error('STACK_HOST says where the stack runs: `usdcop stack up --profile demo`')
  process.stdout.write(`\n${tableOf(imagesInUse())}\n`)
}

/** `.env` says in its head which file of images it was made from. */
function imagesInUse() {
  const pinned = parsePinned(readText('images.env'))
  const head = readIfThere(join(ROOT, '.env')) ?? ''
  const file = /^# images: (?<file>\S+)$/m.exec(head)?.groups?.['file'] ?? 'images.env'
  const standIns = file === 'images.env' ? [] : parseStandIns(readText(file))
  return compareImages(pinned, standIns)
}
