import { Command } from 'commander'
import { readContract } from '../contract-file.ts'
import { examples } from '../examples.ts'
import { contractOption } from '../paths.ts'
import type { World } from '../world.ts'

/** `usdcop contract show|hash`: what the fifteen numbers mean, and the two hashes that pin it. */
export function contractCommand({ stdout }: World): Command {
  const command = new Command('contract')
    .description('the observation contract')
    .addHelpText('after', examples('contract show', 'contract hash --contract my-contract.json'))
  command
    .command('show')
    .description('print the features in order, with their definitions and statistics')
    .addOption(contractOption())
    .option('--json', 'print the whole contract as JSON')
    .action(async ({ contract: path, json }: { contract: string; json?: true }) => {
      const contract = await readContract(path)
      if (json) stdout.write(`${JSON.stringify(contract, null, 2)}\n`)
      else stdout.write(describe(contract))
    })
  command
    .command('hash')
    .description('print definitionHash and contractHash')
    .addOption(contractOption())
    .option('--json', 'print them as JSON')
    .action(async ({ contract: path, json }: { contract: string; json?: true }) => {
      const { definitionHash, contractHash } = await readContract(path)
      if (json) stdout.write(`${JSON.stringify({ definitionHash, contractHash })}\n`)
      else stdout.write(`definitionHash ${definitionHash}\ncontractHash   ${contractHash}\n`)
    })
  return command
}

function describe(contract: Awaited<ReturnType<typeof readContract>>): string {
  const { mean, std } = contract.statistics
  const rows = contract.definition.features.map(({ name, view, kind }, index) => {
    const [m, s] = [mean[index], std[index]]
    const statistics = m === undefined || s === undefined ? ['passed', 'as is'] : [m, s].map(short)
    return [
      String(index).padStart(2),
      name.padEnd(17),
      view.padEnd(19),
      kind.padEnd(16),
      ...statistics.map((text) => text.padStart(10)),
    ].join(' ')
  })
  const head = [
    '  ',
    'feature'.padEnd(17),
    'view'.padEnd(19),
    'kind'.padEnd(16),
    'mean'.padStart(10),
    'std'.padStart(10),
  ].join(' ')
  return `${contract.name} ${contract.version}\n\n${[head, ...rows].join('\n')}\n`
}

function short(value: number): string {
  return value.toPrecision(4)
}
