/** What the gateway sends, as the gateway declares it. */
export type * from '../src/console/wire.ts'
