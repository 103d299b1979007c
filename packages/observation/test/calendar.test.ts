import { describe, expect, test } from 'vitest'
import { createCalendar, formatDay, parseDay } from '../src/calendar.ts'
import { holidaysOf } from '../src/holidays.ts'
import { contract, demoHolidays } from './demo.ts'

const calendar = createCalendar(contract)
const rules = contract.definition.calendar.holidays
const days = (country: string, year: number) =>
  [...holidaysOf(year, rules[country]!)].sort((a, b) => a - b).map(formatDay)

describe('holidays', () => {
  test.for(['CO', 'US'])('of %s are those of the table, 2019 to 2036', (country) => {
    const generated = Array.from({ length: 18 }, (_, i) => days(country, 2019 + i)).flat()
    const table = demoHolidays().filter((row) => row['country'] === country)
    expect(generated).toEqual([...new Set(table.map((row) => row['date']!))].sort())
  })

  test.for([
    // Dates of Easter Sunday: US Naval Observatory.
    { year: 1961, goodFriday: '1961-03-31' },
    { year: 1999, goodFriday: '1999-04-02' },
    { year: 2000, goodFriday: '2000-04-21' },
    { year: 2038, goodFriday: '2038-04-23' },
    { year: 2049, goodFriday: '2049-04-16' },
    { year: 2100, goodFriday: '2100-03-26' },
  ])('follow Easter in $year', ({ goodFriday }) => {
    expect(calendar.isHoliday(goodFriday)).toBe(true)
  })

  test.for([
    { day: '2010-12-31', holiday: true, why: 'New Year 2011 falls on a Saturday' },
    { day: '2012-01-02', holiday: true, why: 'New Year 2012 falls on a Sunday' },
    { day: '2042-05-26', holiday: true, why: 'Memorial Day is the last Monday of May' },
    { day: '2040-11-22', holiday: true, why: 'Thanksgiving is the fourth Thursday' },
    { day: '2020-06-19', holiday: false, why: 'Juneteenth began in 2021' },
    { day: '2018-06-11', holiday: true, why: 'Sacred Heart 2018 is 71 days after Easter' },
    { day: '2041-01-07', holiday: true, why: 'Epiphany moves to Monday' },
    { day: '2023-12-08', holiday: true, why: 'Immaculate Conception does not move' },
  ])('$why ($day)', ({ day, holiday }) => {
    expect(calendar.isHoliday(day)).toBe(holiday)
  })
})

describe('sessions', () => {
  test.for([
    { time: '2024-03-05T13:00Z', session: '2024-03-05' },
    { time: '2024-03-05T17:55Z', session: '2024-03-05' },
    { time: '2024-03-05T12:55Z', session: undefined },
    { time: '2024-03-05T18:00Z', session: undefined },
    { time: '2024-03-03T15:00Z', session: undefined },
    { time: '2024-03-25T15:00Z', session: undefined },
  ])('$time lies in $session', ({ time, session }) => {
    expect(calendar.sessionOf(Date.parse(time))).toBe(session)
  })

  test.for([
    { day: '2024-03-05', next: '2024-03-06', why: 'midweek' },
    { day: '2024-03-08', next: '2024-03-11', why: 'over a weekend' },
    { day: '2024-03-22', next: '2024-03-26', why: 'over a weekend and a holiday' },
    { day: '2024-03-27', next: '2024-04-01', why: 'over Easter' },
    { day: '2021-12-30', next: '2022-01-03', why: 'over a holiday observed in the year before' },
  ])('$next follows $day, $why', ({ day, next }) => {
    expect(calendar.nextSessionDay(day)).toBe(next)
    expect(calendar.isSessionDay(next)).toBe(true)
    expect(calendar.releaseInstantOf(day)).toBe(Date.parse(`${next}T12:50Z`))
  })

  test('has 60 bars', () => {
    expect(calendar.barsPerSession).toBe(60)
  })
})

test.for(['2024-02-30', '2024-13-01', '2024-1-1', '', 'today'])('%j is no date', (text) => {
  expect(() => parseDay(text)).toThrow(RangeError)
})
