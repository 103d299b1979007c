import { Command } from 'commander'
import { contractCommand } from './commands/contract.ts'
import { featuresCommand } from './commands/features.ts'
import { replayCommand } from './commands/replay.ts'
import { startCommand } from './commands/start.ts'

export interface World {
  readonly env: NodeJS.ProcessEnv
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** The `usdcop` command; every verb is one file of `commands/`. */
export function buildProgram(world: World): Command {
  const program = new Command('usdcop')
    .description('Features, decisions and the platform around them, for a USD/COP trading model.')
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(--help shows every option)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 the command line is off, 130 interrupted.',
    )
  for (const command of [startCommand, replayCommand, featuresCommand, contractCommand])
    program.addCommand(command(world).copyInheritedSettings(program))
  return program
}
