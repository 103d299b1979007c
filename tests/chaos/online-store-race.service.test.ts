import { testRace } from './online-store-race.ts'

// A tenth of the soak's writes.
testRace(10_000, 20_251_124)
