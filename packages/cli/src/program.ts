import { Command } from 'commander'
import { contractCommand } from './commands/contract.ts'
import { feastCommand } from './commands/feast.ts'
import { featuresCommand } from './commands/features.ts'
import { feedCommand } from './commands/feed.ts'
import { replayCommand } from './commands/replay.ts'
import { secretsCommand } from './commands/secrets.ts'
import { stackCommand } from './commands/stack.ts'
import { startCommand } from './commands/start.ts'
import { examples } from './examples.ts'
import { exitCodeOf, explain } from './faults.ts'
import type { World } from './world.ts'

/** Runs one command line, tells of what went wrong and returns the exit code. */
export async function runCommand(args: readonly string[], world: World): Promise<number> {
  try {
    await buildProgram(world).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    const text = explain(error)
    if (text !== '') world.stderr.write(`usdcop: ${text}\n`)
    return exitCodeOf(error)
  }
}

/** The `usdcop` command; every verb is one file of `commands/`. */
function buildProgram(world: World): Command {
  const program = new Command('usdcop')
    .description('Features, decisions and the platform around them, for a USD/COP trading model.')
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(--help shows every option)')
    .addHelpText('after', examples('start', 'start --speed max --exit', 'stack up --profile demo'))
    .addHelpText(
      'after',
      '\nIn a checkout `npm run --silent usdcop --` stands for `usdcop`.' +
        '\nExit codes: 0 done, 1 failed, 2 the command line is off, 130 interrupted.',
    )
  for (const command of [
    startCommand,
    replayCommand,
    featuresCommand,
    feedCommand,
    contractCommand,
    feastCommand,
    stackCommand,
    secretsCommand,
  ])
    program.addCommand(inheriting(command(world), program))
  return program
}

/** A command made elsewhere has none of its parent's settings, nor have its own commands. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inheriting(child, command)
  return command
}
