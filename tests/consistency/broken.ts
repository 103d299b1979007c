import type { Files } from './files.ts'

/** One way to break the checkout, and the finding that has to name it. */
export interface Fault {
  readonly in: string
  /** Stands in that file; the first place is replaced. */
  readonly from: string
  readonly to: string
  readonly says: string
}

/** A copy with the fault in it. Throws where the fault would change nothing. */
export function broken(files: Files, fault: Omit<Fault, 'says'>): Files {
  const whole = files.read(fault.in)
  if (!whole.includes(fault.from)) throw new Error(`${fault.in} does not hold ${fault.from}`)
  const text = whole.replace(fault.from, () => fault.to)
  if (text === whole) throw new Error(`${fault.in} would stay as it is`)
  return withFile(files, fault.in, text)
}

export function withFile(files: Files, added: string, text: string): Files {
  return {
    ...files,
    paths: files.paths.includes(added) ? files.paths : [...files.paths, added],
    read: (path) => (path === added ? text : files.read(path)),
    mode: (path) => (path === added ? 0o644 : files.mode(path)),
  }
}

export function without(files: Files, gone: string): Files {
  if (!files.paths.includes(gone)) throw new Error(`there is no ${gone}`)
  return { ...files, paths: files.paths.filter((path) => path !== gone) }
}

export function withMode(files: Files, changed: string, mode: number): Files {
  if (!files.paths.includes(changed)) throw new Error(`there is no ${changed}`)
  return { ...files, mode: (path) => (path === changed ? mode : files.mode(path)) }
}
