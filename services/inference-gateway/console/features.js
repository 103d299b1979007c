/**
 * The 15 features in contract order, grouped by the view that serves them. Rows are made once for a
 * set of names and then only their texts change.
 *
 * @import { ConsoleFeature } from './wire.d.ts'
 */
import { byId, element, setData, setText } from './dom.js'
import { formatAge, formatFeature, formatSigned, NOTHING } from './format.js'

const CLIP = 5
const STATUS_WORDS = {
  PRESENT: 'present',
  NULL_VALUE: 'no value',
  NOT_FOUND: 'not found',
  OUTSIDE_MAX_AGE: 'too old',
}

/**
 * @typedef {object} FeatureRow
 * @property {HTMLTableRowElement} row
 * @property {HTMLElement} value
 * @property {HTMLElement} fill
 * @property {HTMLElement} track
 * @property {HTMLElement} status
 * @property {HTMLElement} age
 */

export function createFeatures() {
  const table = byId('features')
  const summary = byId('features-summary')
  /** @type {Map<string, FeatureRow>} */
  let rows = new Map()
  /** @type {readonly ConsoleFeature[]} */
  let features = []

  return {
    /** @param {readonly ConsoleFeature[]} next */
    render(next) {
      if (next === features) return
      if (!sameNames(next, features)) rows = buildRows(table, next)
      features = next
      for (const feature of features) renderFeature(rows.get(feature.name), feature)
      const present = features.filter(({ status }) => status === 'PRESENT').length
      setText(summary, `${present} of ${features.length} present`)
      setData(summary, 'complete', String(present === features.length))
    },
    /** @param {number} now the domain clock */
    renderAges(now) {
      for (const { name, eventTimestamp } of features) {
        const row = rows.get(name)
        if (row)
          setText(row.age, eventTimestamp === null ? NOTHING : formatAge(now - eventTimestamp))
      }
    },
  }
}

/**
 * @param {HTMLElement} table
 * @param {readonly ConsoleFeature[]} features
 */
function buildRows(table, features) {
  for (const body of table.querySelectorAll('tbody')) body.remove()
  /** @type {Map<string, FeatureRow>} */
  const rows = new Map()
  for (const [view, members] of Map.groupBy(features, (feature) => feature.view)) {
    const body = element('tbody')
    const head = element('tr', 'view')
    const title = element('th', undefined, viewTitle(view))
    title.scope = 'rowgroup'
    title.colSpan = 4
    title.title = view
    head.append(title)
    body.append(head)
    for (const { name } of members) {
      const row = buildRow(name)
      rows.set(name, row)
      body.append(row.row)
    }
    table.append(body)
  }
  return rows
}

/**
 * @param {string} name
 * @returns {FeatureRow}
 */
function buildRow(name) {
  const row = element('tr', 'feature')
  row.dataset['feature'] = name
  const title = element('th', 'name', name)
  title.scope = 'row'
  const value = element('td', 'value')
  const normalised = element('td', 'normalised')
  const track = element('span', 'track')
  const fill = element('span', 'fill')
  const status = element('span', 'status')
  track.append(fill)
  normalised.append(track, status)
  const age = element('td', 'age')
  row.append(title, value, normalised, age)
  return { row, value, fill, track, status, age }
}

/**
 * @param {FeatureRow | undefined} row
 * @param {ConsoleFeature} feature
 */
function renderFeature(row, feature) {
  if (!row) return
  const { value, normalised, status } = feature
  setData(row.row, 'status', status)
  setText(row.value, value === null ? NOTHING : formatFeature(value))
  setText(row.status, STATUS_WORDS[status])
  const share = Math.max(-1, Math.min(1, (normalised ?? 0) / CLIP))
  setData(row.track, 'clipped', String(Math.abs(share) === 1))
  row.fill.style.transform = `scaleX(${share})`
  row.track.title = normalised === null ? 'not normalised' : formatSigned(normalised, 3)
}

/**
 * `technical_features` → `Technical`
 *
 * @param {string} view
 */
function viewTitle(view) {
  const words = view.replace(/_features$/, '').replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/**
 * @param {readonly ConsoleFeature[]} left
 * @param {readonly ConsoleFeature[]} right
 */
function sameNames(left, right) {
  return (
    left.length === right.length && left.every(({ name }, index) => name === right[index]?.name)
  )
}
