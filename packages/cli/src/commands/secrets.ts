import { Command, Option } from 'commander'
import { examples } from '../examples.ts'
import { httpUrl, readKey } from '../peer.ts'
import { type BrokerAdmin, type CallerRow, createBrokerAdmin } from '../secrets/broker-admin.ts'
import { tableOf } from '../stack/table.ts'
import type { World } from '../world.ts'

interface SecretsOptions {
  readonly to: string
  readonly keyFile: string
  readonly json?: true
}

/** What an action has come to: for a program, and for a person. */
interface Done {
  readonly json: unknown
  readonly text: string
}

/** `usdcop secrets`: what an operator does with a running secrets broker, over its admin listener. */
export function secretsCommand(world: World): Command {
  const act = (
    name: string,
    description: string,
    work: (broker: BrokerAdmin, what: string) => Promise<Done>,
  ): Command =>
    new Command(name)
      .description(description)
      .addOption(
        new Option('--to <url>', 'the admin listener of the broker, on its own machine')
          .default('http://127.0.0.1:8211')
          .env('SECRETS_BROKER_ADMIN_URL'),
      )
      .addOption(
        new Option('--key-file <file>', 'file with the bearer token of an admin')
          .env('SECRETS_BROKER_ADMIN_KEY_FILE')
          .makeOptionMandatory(),
      )
      .option('--json', 'print the answer as JSON')
      .action(async (...given: unknown[]) => {
        const command = given.at(-1) as Command
        const { to, keyFile, json } = command.opts<SecretsOptions>()
        const url = httpUrl(to, (fault) => command.error(`error: option '--to <url>': ${fault}`))
        const broker = createBrokerAdmin(url, await readKey(keyFile))
        const done = await work(broker, command.args[0] ?? '')
        world.stdout.write(json ? `${JSON.stringify(done.json)}\n` : done.text)
      })
  const { signal } = world
  const done = (action: string, caller: string, text: string): Done => ({
    json: { action, caller },
    text: `${caller}: ${text}\n`,
  })

  return new Command('secrets')
    .description('see and end what a running secrets broker holds, and rotate what it rotates')
    .addHelpText(
      'after',
      examples(
        'secrets callers --key-file operator_key',
        'secrets rotate redis --key-file operator_key',
        'secrets revoke materializer --key-file operator_key',
      ),
    )
    .addCommand(
      act('callers', 'who may ask, under which role, and what is held for each', async (broker) => {
        const callers = await broker.callers(signal)
        return { json: { callers }, text: tableOf([HEAD, ...callers.map(rowOf)]) }
      }),
    )
    .addCommand(
      act(
        'rotate',
        'another password for Redis now, or another login for one caller',
        async (broker, what) => {
          if (what !== 'redis') {
            await broker.rotate(what, signal)
            return done('rotate', what, 'the next read logs in anew')
          }
          const rotated = await broker.rotateRedis(signal)
          const { secret, version, passwordsAccepted } = rotated
          const text = `redis: ${secret} is version ${version}; ${passwordsAccepted} passwords are accepted until the grace is over\n`
          return { json: rotated, text }
        },
      ).argument('<what>', 'redis, or the name of a caller'),
    )
    .addCommand(
      act('revoke', 'nothing for this caller from now on', async (broker, caller) => {
        await broker.revoke(caller, signal)
        return done('revoke', caller, 'revoked until it is restored, or the broker starts again')
      }).argument('<caller>'),
    )
    .addCommand(
      act('restore', 'undo a revocation', async (broker, caller) => {
        await broker.restore(caller, signal)
        return done('restore', caller, 'may ask again')
      }).argument('<caller>'),
    )
    .addCommand(
      act('flush', 'forget kept secrets, of one caller or of all', async (broker, caller) => {
        await broker.flush(caller === '' ? undefined : caller, signal)
        return done('flush', caller === '' ? 'everybody' : caller, 'nothing is kept')
      }).argument('[caller]'),
    )
}

const HEAD = ['CALLER', 'ROLE', 'SECRETS', 'STATE', 'TOKEN']

function rowOf({ name, role, secrets, revoked, tokenSecondsLeft }: CallerRow): string[] {
  const token = tokenSecondsLeft === null ? 'none' : `${tokenSecondsLeft} s left`
  return [name, role, secrets ? 'yes' : 'no', revoked ? 'revoked' : 'served', token]
}
