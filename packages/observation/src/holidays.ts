import type { HolidayRule } from './contract.ts'

const DAY_MS = 86_400_000
const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** Days since 1970-01-01 on which the rules place a holiday of `year`, observed days included. */
export function holidaysOf(year: number, rules: readonly HolidayRule[]): Set<number> {
  // New Year's Day of the next year may be observed on 31 December of this one.
  const days = [year, year + 1].flatMap((y) => rules.flatMap((rule) => daysOf(y, rule)))
  return new Set(days.filter((day) => yearOf(day) === year))
}

/** Days since 1970-01-01 of a date; months count from 1. */
export function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS
}

/** 0 is Sunday, as in Date. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7
}

/** The index of a weekday's name in the same count. */
export function weekdayIndex(name: string): number {
  return WEEKDAYS.indexOf(name)
}

function yearOf(day: number): number {
  return new Date(day * DAY_MS).getUTCFullYear()
}

function daysOf(year: number, rule: HolidayRule): number[] {
  if (rule.sinceYear !== undefined && year < rule.sinceYear) return []
  if ('daysAfterEaster' in rule) return [easter(year) + rule.daysAfterEaster]
  if ('nth' in rule) return [nthWeekday(year, rule.month, weekdayIndex(rule.weekday), rule.nth)]
  const day = dayNumber(year, rule.month, rule.day)
  switch (rule.observed) {
    case 'same_day':
      return [day]
    case 'next_monday':
      return [day + ((8 - weekdayOf(day)) % 7)]
    case 'nearest_weekday':
      return [day, day + (weekdayOf(day) === 6 ? -1 : weekdayOf(day) === 0 ? 1 : 0)]
  }
}

function nthWeekday(year: number, month: number, weekday: number, nth: number): number {
  if (nth > 0) {
    const first = dayNumber(year, month, 1)
    return first + ((weekday - weekdayOf(first) + 7) % 7) + 7 * (nth - 1)
  }
  const last = dayNumber(year, month + 1, 1) - 1
  return last - ((weekdayOf(last) - weekday + 7) % 7)
}

/** Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876. */
function easter(year: number): number {
  const golden = year % 19
  const century = Math.floor(year / 100)
  const leap = Math.floor(century / 4)
  const lunar = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3)
  const epact = (19 * golden + century - leap - lunar + 15) % 30
  const yearOfCentury = year % 100
  const weekday =
    (32 + 2 * (century % 4) + 2 * Math.floor(yearOfCentury / 4) - epact - (yearOfCentury % 4)) % 7
  const correction = Math.floor((golden + 11 * epact + 22 * weekday) / 451)
  const sum = epact + weekday - 7 * correction + 114
  return dayNumber(year, Math.floor(sum / 31), (sum % 31) + 1)
}
