import { tableOf } from '../images.ts'
import { imageTable } from './images-in-use.ts'

/** Says what the ring speaks to before it speaks: which images are what they are called. */
export function setup(): void {
  if ((process.env['STACK_HOST'] ?? '') === '')
    throw new Error('STACK_HOST says where the stack runs: `usdcop stack up --profile demo`')
  process.stdout.write(`\n${tableOf(imageTable())}\n`)
}
