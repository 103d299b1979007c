import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { readText } from './support/files.ts'
import { freePorts, temporaryFolder, withReplaced } from './support/run.ts'

test('Redis takes its file: nobody without a password, nothing evicted, writes in a log', async ({
  signal,
}) => {
  await using folder = await temporaryFolder()
  const [port = 0] = await freePorts(1)
  const users = join(folder.path, 'users.acl')
  await writeFile(users, 'user default on >the-password ~* &* +@all\n')
  const file = join(folder.path, 'redis.conf')
  const text = withReplaced(readText('config/redis/redis.conf'), {
    '/run/secrets/redis_users.acl': users,
    'dir /data': `dir ${folder.path}`,
    'port 6379': `port ${port}`,
    'bind * -::*': 'bind 127.0.0.1',
  })
  await writeFile(file, text)
  const server = spawn('redis-server', [file])
  let output = ''
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const options = { port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null }
  const client = new Redis({ ...options, password: 'the-password' })
  const stranger = new Redis(options)
  client.on('error', () => {})
  stranger.on('error', () => {})
  try {
    await eventually(
      'Redis is up',
      async () => expect(output).toContain('Ready to accept connections'),
      { signal, withinMs: 20_000 },
    )
    await expect(stranger.get('x')).rejects.toThrow(/NOAUTH/)
    const set = async (name: string) => (await client.config('GET', name)) as string[]
    expect(await set('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
    expect(await set('appendfsync')).toEqual(['appendfsync', 'everysec'])
    expect(await set('appendonly')).toEqual(['appendonly', 'yes'])
    expect(Number((await set('maxmemory'))[1])).toBeGreaterThan(0)

    await client.config('SET', 'maxmemory', '1')
    await expect(client.set('x', 'y')).rejects.toThrow(/OOM/)
  } finally {
    client.disconnect()
    stranger.disconnect()
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
})
