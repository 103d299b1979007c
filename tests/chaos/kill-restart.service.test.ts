import { testKillRestart } from './kill-restart.ts'

// A tenth of the soak's kills, always the same ones.
testKillRestart(2, 20_250_627, 'short')
