import { readFile } from 'node:fs/promises'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { ServiceError } from '@usdcop/service/errors'

/** @throws ServiceError `contract_invalid` naming the file, and every field that is off */
export async function readContract(path: string): Promise<Contract> {
  try {
    return parseContract(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new ServiceError('contract_invalid', `${path} is no contract`, { cause: error })
  }
}
