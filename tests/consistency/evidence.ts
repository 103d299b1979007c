import { type ComposeService, mountsOf, startWords } from './compose.ts'
import { below, type Files } from './files.ts'

export interface Text {
  readonly from: string
  readonly text: string
}

/** Every text that tells a container what to do: its environment, its words, the files it mounts. */
export function textsOf(files: Files, service: ComposeService): readonly Text[] {
  const { name, environment, healthcheck } = service
  return [
    ...Object.entries(environment).map(([variable, text]) => ({
      from: `${variable} of ${name}`,
      text,
    })),
    { from: `the command of ${name}`, text: startWords(service).join(' ') },
    { from: `the health check of ${name}`, text: healthcheck?.test.join(' ') ?? '' },
    ...mountedFiles(files, service).map((path) => ({ from: path, text: files.read(path) })),
  ]
}

/** Files of this repository that a service mounts; data is not among them. */
export function mountedFiles(files: Files, service: ComposeService): readonly string[] {
  return mountsOf(service).flatMap(({ source }) =>
    source?.startsWith('./') === true && !source.startsWith('./data')
      ? below(files, source.slice(2))
      : [],
  )
}
