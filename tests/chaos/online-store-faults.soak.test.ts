import { testFaults } from './online-store-faults.ts'

const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)

for (const lane of [false, true]) testFaults(lane, 10, seed)
