/** What stands for a public image on this machine. */
export type Kind = 'real' | 'substitute' | 'absent'

/** One line of `images.env`. */
export interface PinnedImage {
  /** `REDIS` of `REDIS_IMAGE`. */
  readonly name: string
  readonly image: string
}

/** One entry of `images.standin.env`: a comment line that says what it is, then the image. */
export interface StandIn extends PinnedImage {
  readonly kind: Kind
  /** The comment behind the kind: which program it is, in which version. */
  readonly is: string
}

const IMAGE = /^(?<name>[A-Z][A-Z0-9_]*)_IMAGE=(?<image>\S*)\s*$/
const COMMENT = /^#\s*(?<kind>real|substitute|absent):\s*(?<is>.+?)\s*$/

/** Reads `images.env`; lines that name no image are for people. */
export function parsePinned(text: string): readonly PinnedImage[] {
  return text.split('\n').flatMap((line) => imageOf(line) ?? [])
}

/** Reads `images.standin.env`. Throws on an image that does not say what it is. */
export function parseStandIns(text: string): readonly StandIn[] {
  let said: Pick<StandIn, 'kind' | 'is'> | undefined
  return text.split('\n').flatMap((line) => {
    const { kind, is } = COMMENT.exec(line)?.groups ?? {}
    if (kind !== undefined && is !== undefined) said = { kind: kind as Kind, is }
    const image = imageOf(line)
    if (image === undefined) return []
    if (said === undefined)
      throw new Error(`${image.name}_IMAGE does not say whether it is real, substitute or absent`)
    const standIn = { ...image, ...said }
    said = undefined
    return [standIn]
  })
}

function imageOf(line: string): PinnedImage | undefined {
  const { name, image } = IMAGE.exec(line)?.groups ?? {}
  return name === undefined || image === undefined ? undefined : { name, image }
}

/** The tag of a reference; the digest behind it is for machines. */
export function tagOf(image: string): string {
  const [tagged = ''] = image.split('@', 1)
  return tagged.slice(tagged.lastIndexOf('/') + 1)
}

export interface ImageRow {
  readonly name: string
  readonly pinned: string
  readonly kind: Kind | 'pinned'
  readonly here: string
}

/** What runs for each pinned image; where nothing stands in for it, it is itself. */
export function compareImages(
  pinned: readonly PinnedImage[],
  standIns: readonly StandIn[],
): readonly ImageRow[] {
  const byName = new Map(standIns.map((standIn) => [standIn.name, standIn]))
  const unknown = standIns.filter(({ name }) => !pinned.some((one) => one.name === name))
  if (unknown.length > 0)
    throw new Error(`no pinned image is called ${unknown.map(({ name }) => name).join(', ')}`)
  return pinned.map(({ name, image }) => {
    const { kind, is } = byName.get(name) ?? { kind: 'pinned' as const, is: tagOf(image) }
    return { name: name.toLowerCase().replaceAll('_', '-'), pinned: tagOf(image), kind, here: is }
  })
}

/** The rows as lines for a terminal. */
export function tableOf(rows: readonly ImageRow[]): string {
  const cells = [
    ['image', 'pinned', 'here it is', ''],
    ...rows.map(({ name, pinned, kind, here }) => [name, pinned, kind, here]),
  ]
  const widths = [0, 1, 2].map((column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  )
  const lines = cells.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  )
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}
