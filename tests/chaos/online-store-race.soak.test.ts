import { testRace } from './online-store-race.ts'

testRace(100_000, Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000))
