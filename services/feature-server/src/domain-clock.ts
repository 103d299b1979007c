import { readFile } from 'node:fs/promises'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { marketClock } from '@usdcop/observation/market-clock'
import { type DomainClock, wallClock } from '@usdcop/service/clock'
import type { Config } from './config.ts'

/** What time the market has, as the configuration says: in life it is wall time. */
export async function openClock(config: Config): Promise<DomainClock> {
  return config.clock ? marketClock(config.clock, await readContract(config), wallClock) : wallClock
}

export async function readContract({ contractFile }: Config): Promise<Contract> {
  return parseContract(JSON.parse(await readFile(contractFile, 'utf8')))
}
