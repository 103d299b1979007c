import { openPglite } from '@usdcop/database/pglite'

// Commits numbered rows into the directory of its first argument, and prints each number once its
// transaction has committed, until it is killed.
const [, , directory = ''] = process.argv
const { signal } = new AbortController()

const database = await openPglite(directory, signal)
await database.query('create table if not exists numbered (n int primary key)', [], signal)
const [{ next } = { next: 0 }] = await database.query<{ next: number }>(
  'select coalesce(max(n) + 1, 0) as next from numbered',
  [],
  signal,
)
process.stdout.write('open\n')
for (let n = next; ; n += 1) {
  await database.transaction(async (tx) => {
    await tx.query('insert into numbered values ($1)', [n], signal)
  }, signal)
  process.stdout.write(`${n}\n`)
}
