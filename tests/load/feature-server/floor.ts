// What no server can be faster than: floor.ts PORT [REDIS_PORT KEY FIELD ...], keys and fields in hex. A bare
// node:http server that reads each body and answers the last bytes put to it; with a key it first asks
// Redis for those fields through ioredis.
import { createServer, type ServerResponse } from 'node:http'
import { Redis } from 'ioredis'

const [port, redisPort, ...hex] = process.argv.slice(2)
const redis = redisPort === undefined ? undefined : new Redis(Number(redisPort))
const [key = Buffer.alloc(0), ...fields] = hex.map((one) => Buffer.from(one, 'hex'))
let answer = Buffer.alloc(0)

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method === 'PUT') answer = Buffer.concat(chunks)
    // A floor that fails must end the run: an unhandled rejection does.
    if (redis === undefined || request.method === 'PUT') reply(response)
    else void redis.hmgetBuffer(key, ...fields).then(() => reply(response))
  })
}).listen(Number(port), '127.0.0.1')

function reply(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': answer.length,
  })
  response.end(answer)
}
