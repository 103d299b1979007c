import { readFileSync } from 'node:fs'
import { type Contract, parseContract } from '@usdcop/observation/contract'

const file = new URL('../../../config/contracts/observation-15d.v1.json', import.meta.url)

/** The contract in use. */
export const contract: Contract = parseContract(JSON.parse(readFileSync(file, 'utf8')))
