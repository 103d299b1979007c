/** Runs one piece of work after another; a piece whose signal fires while it waits never starts. */
export function createQueue(): <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve()
  return (signal, work) => {
    const turn = tail.then(async () => {
      signal.throwIfAborted()
      return work()
    })
    // The next in line waits for the end of this one, not for its success.
    tail = turn.catch(() => {})
    return turn
  }
}
