import { type ConsoleFixture, startConsoleFixture } from '@usdcop/tests/support/console-fixture'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatAge } from '../../console/format.js'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const ARGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const RUN = { port: 0, closed: 420, total: 700 }

let browser: Awaited<ReturnType<typeof chromium.launch>>

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS })
})

afterAll(() => browser.close())

/** A page that is up to date, and everything it complained about. */
async function openConsole(fixture: ConsoleFixture) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  let loads = 0
  page.on('load', () => {
    loads += 1
  })
  await page.goto(fixture.url)
  await page.getByText('Connected').waitFor()
  return {
    page,
    complaints,
    loads: () => loads,
    [Symbol.asyncDispose]: () => page.close(),
  }
}

const priceOf = (fixture: ConsoleFixture) =>
  fixture.newest().bar.close.toLocaleString('en-US', {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  })

const texts = (page: Page, selector: string) => page.locator(selector).allInnerTexts()

const agesOf = ({ now, features }: ReturnType<ConsoleFixture['newest']>) =>
  features.map(({ eventTimestamp }) => formatAge(now - (eventTimestamp ?? Number.NaN)))

const marksOn = async (page: Page) =>
  Number(await page.locator('#price-chart').getAttribute('data-marks'))

test('shows 15 features, decisions in words, position, equity and latency at once', async () => {
  await using fixture = await startConsoleFixture(RUN)
  await using console = await openConsole(fixture)
  const { page } = console
  expect(await page.locator('tr.feature').count()).toBe(15)
  expect(await texts(page, 'tr.view')).toEqual(['Technical', 'Macro', 'State'])
  expect(await page.locator('#decisions li[data-signal]').count()).toBeGreaterThan(20)
  expect(await page.locator('#price').innerText()).toBe(priceOf(fixture))
  expect(await marksOn(page)).toBeGreaterThan(0)
  expect(await page.locator('#latency-p50').innerText()).toMatch(/^\d+\.\d+ ms$/)
  expect(await page.locator('#equity').innerText()).toMatch(/^\d{3},\d{3},\d{3}$/)
  expect(console.complaints).toEqual([])
})

test('follows the market without a reload', async () => {
  await using fixture = await startConsoleFixture(RUN)
  await using console = await openConsole(fixture)
  const { page } = console
  const valuesBefore = await texts(page, 'tr.feature .value')
  const marksBefore = await marksOn(page)
  const equityBefore = await page.locator('#equity').innerText()
  const newestBefore = await page.locator('#decisions li').first().innerText()

  for (let bar = 0; bar < 150; bar += 1) {
    fixture.close(1)
    await page.locator('#price', { hasText: priceOf(fixture) }).waitFor()
  }

  expect(await texts(page, 'tr.feature .value')).not.toEqual(valuesBefore)
  expect(await page.locator('tr.feature').count()).toBe(15)
  expect(await marksOn(page)).toBeGreaterThan(marksBefore)
  expect(await page.locator('#equity').innerText()).not.toBe(equityBefore)
  expect(await page.locator('#decisions li').first().innerText()).not.toBe(newestBefore)
  expect(await page.locator('#decisions li').count()).toBe(30)
  expect({ loads: console.loads(), complaints: console.complaints }).toEqual({
    loads: 1,
    complaints: [],
  })
})

test('ages a feature by the market clock, and says which are too old', async () => {
  await using fixture = await startConsoleFixture({ ...RUN, closed: 647 })
  await using console = await openConsole(fixture)
  const { page } = console
  const summary = page.locator('#features-summary')
  expect(await summary.innerText()).toBe('15 of 15 present')
  while ((fixture.newest().features[6]?.status ?? 'PRESENT') === 'PRESENT') fixture.close(1)
  await summary.getByText('8 of 15 present').waitFor()
  const macro = page.locator('tr[data-feature="dxy_z"]')
  expect(await macro.locator('.status').innerText()).toBe('too old')
  expect(await texts(page, 'tr.feature .age')).toEqual(agesOf(fixture.newest()))
  expect(await page.locator('#decisions li').first().innerText()).toMatch(/a feature is too old/i)
})

test('says that it is disconnected, comes back by itself and catches up on what it missed', async () => {
  const first = await startConsoleFixture(RUN)
  const port = Number(new URL(first.url).port)
  await using console = await openConsole(first)
  const { page, complaints } = console
  await first[Symbol.asyncDispose]()
  await page.getByRole('status').getByText('Disconnected').waitFor()
  expect(await page.locator('#connection').getAttribute('data-state')).toBe('waiting')

  await using second = await startConsoleFixture({ ...RUN, port, closed: 480 })
  await page.getByText('Connected', { exact: true }).waitFor()
  await page.locator('#price', { hasText: priceOf(second) }).waitFor()
  await page.getByRole('status').filter({ hasText: /^$/ }).waitFor({ state: 'attached' })
  second.close(1)
  await page.locator('#price', { hasText: priceOf(second) }).waitFor()
  // The browser itself reports each refused connection; nothing else may be amiss.
  expect(complaints.filter((text) => !text.includes('net::ERR_'))).toEqual([])
  expect(console.loads()).toBe(1)
})

test('says plainly that the data have ended', async () => {
  await using fixture = await startConsoleFixture({ ...RUN, closed: 698 })
  await using console = await openConsole(fixture)
  const { page } = console
  fixture.close(2)
  await page.getByRole('status').getByText('End of data.').waitFor()
  expect(await page.locator('#run-state').innerText()).toBe('end of data')
})

test('is readable on a phone: nothing is wider than the screen', async () => {
  await using fixture = await startConsoleFixture(RUN)
  await using console = await openConsole(fixture)
  const { page } = console
  await page.setViewportSize({ width: 390, height: 844 })
  await expect
    .poll(async () => (await page.locator('canvas').first().boundingBox())?.width ?? 0)
    .toBeLessThan(390)
  const widths = await Promise.all(
    ['header', 'main', '.panel', 'footer'].map(
      async (part) => (await page.locator(part).first().boundingBox())?.width,
    ),
  )
  expect(widths).toEqual([390, 390, 390, 390])
})
