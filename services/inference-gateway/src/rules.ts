import type { ExecutionRules } from '@usdcop/decision/execution'
import type { GateRules } from '@usdcop/decision/gates'
import type { MappingRules } from '@usdcop/decision/mapping'
import { type Contract, MARKET_FEATURES } from '@usdcop/observation/contract'
import type { ModelContract } from './model/load.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A feature of the contract and the view that serves it. */
export interface FeatureRef {
  readonly name: string
  readonly view: string
}

/** The contract in the words of those who apply it. */
export interface DecisionRules {
  readonly gates: GateRules
  readonly mapping: MappingRules
  readonly execution: ExecutionRules
  readonly model: ModelContract
  /** All 15 in contract order; the first 13 are the market's. */
  readonly features: readonly FeatureRef[]
  readonly market: readonly FeatureRef[]
}

export function rulesOf(contract: Contract): DecisionRules {
  const { definition, limits, mapping, execution, definitionHash, contractHash } = contract
  const features = definition.features.map(({ name, view }) => ({ name, view }))
  return {
    gates: {
      definitionHash,
      contractHash,
      barMs: definition.calendar.barMinutes * MINUTE_MS,
      barMaxAgeMs: limits.maxBarAgeMinutes * MINUTE_MS,
      macroMaxAgeMs: definition.flags.maxMacroAgeDays * DAY_MS,
    },
    mapping: {
      low: mapping.actionMin,
      high: mapping.actionMax,
      longAbove: mapping.longAbove,
      shortBelow: mapping.shortBelow,
    },
    execution: {
      currency: execution.currency,
      initialCash: execution.initialCashCop,
      notional: execution.notionalUsd,
      costBps: execution.commissionBps + execution.slippageBps,
    },
    model: {
      contractHash,
      features: contract.names,
      action: { low: mapping.actionMin, high: mapping.actionMax },
    },
    features,
    market: features.slice(0, MARKET_FEATURES),
  }
}
