// Preloaded by register.test.ts: keeps the address of every module that is loaded from here on.
import { registerHooks } from 'node:module'

export const loaded: string[] = []

registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url)
    return nextLoad(url, context)
  },
})
