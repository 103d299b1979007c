/** The colours of theme.css for what is drawn on a canvas, in the scheme the reader has now. */

const NAMES = /** @type {const} */ ([
  'panel',
  'grid',
  'rule',
  'ink',
  'soft',
  'faint',
  'accent',
  'accent-wash',
  'long',
  'short',
  'warn',
  'font',
])

/** @typedef {Record<(typeof NAMES)[number], string>} Palette */

/** @type {Palette} */
let palette = readPalette()

export function currentPalette() {
  return palette
}

/** @param {() => void} redraw called after the scheme changed */
export function onSchemeChange(redraw) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    palette = readPalette()
    redraw()
  })
}

/** @returns {Palette} */
function readPalette() {
  const style = getComputedStyle(document.documentElement)
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])
  return Object.fromEntries(entries)
}
