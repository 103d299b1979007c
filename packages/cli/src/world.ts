/** What a command may touch; `main.ts` has the real one, a test its own. */
export interface World {
  readonly env: NodeJS.ProcessEnv
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  readonly stdout: Output
  readonly stderr: Output
}

export interface Output extends NodeJS.WritableStream {
  /** True on a terminal, where progress may be drawn. */
  readonly isTTY?: boolean
}
