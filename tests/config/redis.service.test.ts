import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { readText } from './support/files.ts'
import { freePorts, temporaryFolder, withReplaced } from './support/run.ts'

test('Redis takes its file and its users: nobody without a password, ours rule nothing, nothing evicted, writes in a log', async ({
  signal,
}) => {
  await using folder = await temporaryFolder()
  const [port = 0] = await freePorts(1)
  const users = join(folder.path, 'users.acl')
  // As prepare.sh makes them, and one more who may look.
  const made = /stage redis_users "(?<text>[^"]+)"/.exec(readText('scripts/stack/prepare.sh'))
  const text = (made?.groups?.['text'] ?? '').replaceAll(/>\$\w+/g, '>of-a-service')
  await writeFile(users, `${text}\nuser looker on >the-password ~* +@all\n`)
  const file = join(folder.path, 'redis.conf')
  const configured = withReplaced(readText('config/redis/redis.conf'), {
    '/data/users.acl': users,
    'dir /data': `dir ${folder.path}`,
    'port 6379': `port ${port}`,
    'bind * -::*': 'bind 127.0.0.1',
  })
  await writeFile(file, configured)
  const server = spawn('redis-server', [file])
  let output = ''
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const options = { port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null }
  const client = new Redis({ ...options, username: 'looker', password: 'the-password' })
  const ours = new Redis({ ...options, username: 'usdcop', password: 'of-a-service' })
  const rotor = new Redis({ ...options, username: 'rotor', password: 'of-a-service' })
  for (const one of [ours, rotor]) one.on('error', () => {})
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
    await ours.hset('x', 'a', '1')
    expect(await ours.scan('0')).toEqual(['0', ['x']])
    for (const [name, ...args] of [
      ['acl', 'list'],
      ['config', 'get', 'dir'],
      ['flushall'],
      ['keys', '*'],
    ])
      await expect(ours.call(name ?? '', ...args)).rejects.toThrow(/NOPERM/)
    await expect(rotor.call('get', 'x')).rejects.toThrow(/NOPERM/)
    await rotor.call('acl', 'setuser', 'usdcop', '>another')
    expect(await rotor.call('acl', 'save')).toBe('OK')
    await ours.del('x')
    const set = async (name: string) => (await client.config('GET', name)) as string[]
    expect(await set('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
    expect(await set('appendfsync')).toEqual(['appendfsync', 'everysec'])
    expect(await set('appendonly')).toEqual(['appendonly', 'yes'])
    expect(Number((await set('maxmemory'))[1])).toBeGreaterThan(0)

    await client.config('SET', 'maxmemory', '1')
    await expect(client.set('x', 'y')).rejects.toThrow(/OOM/)
  } finally {
    client.disconnect()
    for (const one of [stranger, ours, rotor]) one.disconnect()
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
})
