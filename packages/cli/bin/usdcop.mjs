#!/usr/bin/env node
// `npx usdcop` from the root: the launcher finds the pinned Node 24 and hands over.
import { fileURLToPath } from 'node:url'

process.argv.splice(2, 0, 'packages/cli/src/main.ts')
await import(fileURLToPath(new URL('../../../scripts/launch.mjs', import.meta.url)))
