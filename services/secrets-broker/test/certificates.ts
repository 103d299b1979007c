import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** PEM texts, as TLS takes them. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of one test, made by openssl, and what it has signed. */
export interface Authority extends AsyncDisposable {
  readonly folder: string
  readonly ca: string
  /** @param name of the files, and the common name unless `subject` is given */
  sign(name: string, names: readonly string[], subject?: string): Promise<Certified>
  /** A list of what is revoked; names are those that `sign` was given. */
  revoke(...names: readonly string[]): Promise<string>
}

const CONFIG = `[ca]
default_ca = ours
[ours]
database = index.txt
serial = serial
new_certs_dir = signed
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 1
default_crl_days = 1
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`

export async function makeAuthority(name = 'an authority'): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-ca-'))
  const at = (name: string) => join(folder, name)
  const text = (name: string) => readFile(at(name), 'utf8')
  const openssl = (...args: readonly string[]) =>
    promisify(execFile)('openssl', [...args], { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await mkdir(at('signed'))
  await writeFile(at('index.txt'), '')
  await writeFile(at('serial'), '01\n')
  await writeFile(at('ca.cnf'), CONFIG)
  const self = ['-x509', '-days', '1', '-subj', `/CN=${name}`, '-keyout', 'ca.key']
  await openssl('req', ...newKey, ...self, '-out', 'ca.crt')
  return {
    folder,
    ca: await text('ca.crt'),
    async sign(name, names, subject = `/CN=${name}`) {
      const alternative = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`]
      const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`]
      await openssl('req', ...newKey, '-subj', subject, ...alternative, ...files)
      const out = ['-in', `${name}.csr`, '-out', `${name}.crt`]
      await openssl('ca', '-config', 'ca.cnf', '-batch', '-notext', ...out)
      return { cert: await text(`${name}.crt`), key: await text(`${name}.key`) }
    },
    async revoke(...names) {
      for (const name of names) await openssl('ca', '-config', 'ca.cnf', '-revoke', `${name}.crt`)
      await openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem')
      return await text('crl.pem')
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
