import { readFile } from 'node:fs/promises'
import { type Contract, parseContract } from '@usdcop/observation/contract'

/** @throws ContractError naming every field that is off; a file system error naming the file */
export async function readContract(path: string): Promise<Contract> {
  return parseContract(JSON.parse(await readFile(path, 'utf8')))
}
