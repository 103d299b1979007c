import { readFile } from 'node:fs/promises'
import { ServiceError } from '@usdcop/service/errors'

/**
 * The bearer token in a file.
 * @throws ServiceError `config_invalid` where there is none
 */
export async function readKey(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ServiceError('config_invalid', `${path} holds no key`, { cause })
  })
  const key = text.trim()
  if (!isKey(key)) throw new ServiceError('config_invalid', `${path} holds no key`)
  return key
}

/** Asked before it is used: what HTTP says of such a header repeats it. */
export function isKey(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

/** Not an argument parser: Commander repeats the value, and a password may stand in it. */
export function httpUrl(text: string, refuse: (fault: string) => never): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return refuse('an http or https URL is expected.')
  if (url.password !== '' || url.username !== '')
    return refuse('no user or password here; see --key-file.')
  return url
}
