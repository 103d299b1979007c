import { startAllInOne } from '@usdcop/tests/support/all-in-one'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { shortReplay } from './platform.ts'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const ARGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking']

test('shows a newcomer features, decisions and equity of a running replay, to its end', async ({
  signal,
}) => {
  await using replay = await shortReplay(signal)
  const env = { ...replay.env, REPLAY_SPEED: '6' }
  await using platform = startAllInOne(replay.dataDirectory, env)
  const { console: url } = await platform.ready
  await using browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS })
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

  await page.goto(url)
  await page.locator('#features-summary', { hasText: '15 of 15 present' }).waitFor()
  expect(await page.locator('tr.feature').count()).toBe(15)
  const decisions = page.locator('#decisions li[data-signal]')
  await expect.poll(() => decisions.count(), { timeout: 30_000 }).toBeGreaterThan(3)
  const newest = await decisions.first().innerText()
  expect(newest).toMatch(/long|short|flat/i)
  expect(await page.locator('#equity').innerText()).toMatch(/^\d{3},\d{3},\d{3}$/)
  await expect.poll(() => decisions.first().innerText(), { timeout: 30_000 }).not.toBe(newest)

  await platform.finished
  await page.locator('#run-state', { hasText: 'end of data' }).waitFor()
  expect(await page.locator('#connection-text').innerText()).toBe('Connected')
  expect(await page.locator('#features-summary').innerText()).toBe('15 of 15 present')
  expect({ loads, complaints }).toEqual({ loads: 1, complaints: [] })
})
