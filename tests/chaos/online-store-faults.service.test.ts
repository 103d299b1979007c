import { testFaults } from './online-store-faults.ts'

for (const lane of [false, true]) testFaults(lane, 1, 20_251_124)
