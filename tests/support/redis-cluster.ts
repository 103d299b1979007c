import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort, type RedisNode, startRedisNode } from './redis-node.ts'
import { until } from './until.ts'

const run = promisify(execFile)

export interface RedisCluster extends AsyncDisposable {
  /** The first three began as masters; each of the others follows one of them. */
  readonly nodes: readonly RedisNode[]
}

const MASTERS = 3

/** A Redis Cluster of three masters with a replica each, that fails over within about a second. */
export async function startRedisCluster(): Promise<RedisCluster> {
  await using stack = new AsyncDisposableStack()
  const nodes: RedisNode[] = []
  for (let index = 0; index < 2 * MASTERS; index++)
    nodes.push(stack.use(await startRedisNode({ port: await clusterPort(), options: OPTIONS })))
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`)
  await run('redis-cli', [
    '--cluster',
    'create',
    ...addresses,
    '--cluster-replicas',
    '1',
    '--cluster-yes',
  ])
  const agreed = async (node: RedisNode) => {
    const info = await redisCli(node, 'cluster', 'info')
    const slots = await redisCli(node, 'cluster', 'nodes')
    const replicas = slots.match(/\bslave .* connected/g)?.length
    return info.includes('cluster_state:ok') && replicas === MASTERS
  }
  for (const node of nodes) await until(() => agreed(node), 'all nodes agree on the cluster')
  const started = stack.move()
  return { nodes, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

const OPTIONS = [
  '--cluster-enabled',
  'yes',
  '--cluster-node-timeout',
  '1000',
  '--repl-diskless-sync-delay',
  '0',
]

/** The bus listens 10,000 ports higher. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 55_536) return port
  }
}

export async function redisCli(node: RedisNode, ...command: string[]): Promise<string> {
  const { stdout } = await run('redis-cli', ['-p', String(node.port), ...command])
  return stdout
}
