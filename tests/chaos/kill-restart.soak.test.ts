import { testKillRestart } from './kill-restart.ts'

const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)

testKillRestart(20, seed, 'short')
testKillRestart(20, seed + 1, 'whole')
