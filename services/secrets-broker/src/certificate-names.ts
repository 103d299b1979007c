import type { PeerCertificate } from 'node:tls'

/**
 * The names in a certificate, written `DNS:…`, `URI:…`, `CN=…`. Of a certificate with a name that Node had to quote none:
 * within quotes a comma and a whole other name may stand, and no caller of ours has such a name.
 */
export function certificateNames({
  subject,
  subjectaltname = '',
}: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): readonly string[] {
  if (subjectaltname.includes('"')) return []
  const alternative = subjectaltname.split(', ').filter((name) => /^(?:DNS|URI):/.test(name))
  // Several common names come as a list, whatever the types say.
  const common: unknown = subject?.CN
  return typeof common === 'string' ? [...alternative, `CN=${common}`] : alternative
}
