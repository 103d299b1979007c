import type { Target } from './mapping.ts'

/**
 * A paper account, a state machine moved by closed bars and by decisions:
 *
 *   onBar   a pending order of this session fills at the bar's open; one of another session
 *           expires; the position is carried either way; equity is marked at the close
 *   place   a target that differs from the position leaves an order pending, one that equals it
 *           leaves none; on the session's last bar the order expires at once
 *   cancel  a refusal: the position stays, the pending order goes
 *
 * States are plain JSON and survive a round trip exactly.
 */
export interface Account {
  readonly position: Target
  readonly cash: number
  readonly pending: PendingOrder | null
  /** Label of the newest bar seen, epoch ms; null before the first. */
  readonly lastBarTime: number | null
  /** Of all fills since the account was opened. */
  readonly costsPaid: number
  /** The highest equity marked, at least the initial cash. */
  readonly peakEquity: number
  /** The deepest fall from a peak, as a fraction of it; never above 0. */
  readonly deepestDrawdown: number
}

export interface PendingOrder {
  readonly target: Target
  /** Label and session of the bar it was decided on. */
  readonly barTime: number
  readonly session: string
}

/** The contract's execution block. Money in the quote currency, notional in the base currency. */
export interface ExecutionRules {
  readonly currency: string
  readonly initialCash: number
  /** Base currency units a position of 1 stands for. */
  readonly notional: number
  /** Costs of one side, in basis points of the traded value, slippage included. */
  readonly costBps: number
}

export interface PricedBar {
  readonly barTime: number
  readonly availableAt: number
  readonly session: string
  readonly open: number
  readonly close: number
}

export interface Fill {
  readonly barTime: number
  readonly from: Target
  readonly to: Target
  readonly price: number
  /** In the account's currency; already taken from the cash. */
  readonly cost: number
  /** The bar whose decision ordered it. */
  readonly orderedAt: number
}

export interface Expiry {
  readonly barTime: number
  readonly target: Target
  readonly orderedAt: number
}

export interface EquityPoint {
  readonly barTime: number
  readonly availableAt: number
  readonly equity: number
  readonly cash: number
  readonly position: Target
  readonly close: number
}

export interface BarStep {
  readonly account: Account
  readonly fill: Fill | null
  readonly expiry: Expiry | null
  readonly mark: EquityPoint
}

/** Thrown for a bar that no account can step on. */
export class ExecutionError extends Error {
  readonly code: 'bar_out_of_order' | 'price_invalid'

  constructor(code: ExecutionError['code'], message: string) {
    super(message)
    this.name = 'ExecutionError'
    this.code = code
  }
}

export function openAccount(rules: ExecutionRules): Account {
  return {
    position: 0,
    cash: rules.initialCash,
    pending: null,
    lastBarTime: null,
    costsPaid: 0,
    peakEquity: rules.initialCash,
    deepestDrawdown: 0,
  }
}

/** One closed bar: what fills at its open, what expires, and the equity at its close. */
export function onBar(account: Account, bar: PricedBar, rules: ExecutionRules): BarStep {
  // Written so that a NaN is out of order too.
  if (!(bar.barTime > (account.lastBarTime ?? Number.NEGATIVE_INFINITY)))
    throw new ExecutionError(
      'bar_out_of_order',
      `bar ${bar.barTime} is not after the account's last, ${account.lastBarTime}`,
    )
  if (!(bar.open > 0 && bar.close > 0 && Number.isFinite(bar.open) && Number.isFinite(bar.close)))
    throw new ExecutionError('price_invalid', `bar ${bar.barTime} has no usable open and close`)

  const { pending } = account
  const fill = pending?.session === bar.session ? fillOf(account, pending, bar, rules) : null
  const expiry =
    pending !== null && fill === null
      ? { barTime: bar.barTime, target: pending.target, orderedAt: pending.barTime }
      : null
  const position = fill?.to ?? account.position
  const cash =
    fill === null
      ? account.cash
      : account.cash - (fill.to - fill.from) * rules.notional * fill.price - fill.cost
  const equity = equityOf(cash, position, bar.close, rules)
  const peakEquity = Math.max(account.peakEquity, equity)
  return {
    account: {
      position,
      cash,
      pending: null,
      lastBarTime: bar.barTime,
      costsPaid: account.costsPaid + (fill?.cost ?? 0),
      peakEquity,
      deepestDrawdown: Math.min(account.deepestDrawdown, equity / peakEquity - 1),
    },
    fill,
    expiry,
    mark: {
      barTime: bar.barTime,
      availableAt: bar.availableAt,
      equity,
      cash,
      position,
      close: bar.close,
    },
  }
}

function fillOf(
  { position }: Account,
  { target, barTime }: PendingOrder,
  bar: PricedBar,
  { notional, costBps }: ExecutionRules,
): Fill {
  const traded = Math.abs(target - position) * notional * bar.open
  return {
    barTime: bar.barTime,
    from: position,
    to: target,
    price: bar.open,
    cost: (traded * costBps) / 10_000,
    orderedAt: barTime,
  }
}

/** What the account is worth at a price, in its currency. */
export function equityOf(
  cash: number,
  position: Target,
  price: number,
  { notional }: Pick<ExecutionRules, 'notional'>,
): number {
  return cash + position * notional * price
}

/** Orders a target on the bar just stepped; on the session's last bar nothing can fill it. */
export function place(
  account: Account,
  target: Target,
  bar: Pick<PricedBar, 'barTime' | 'session'>,
  lastOfSession: boolean,
): { readonly account: Account; readonly expiry: Expiry | null } {
  if (target === account.position) return { account: cancel(account), expiry: null }
  const { barTime, session } = bar
  if (lastOfSession)
    return { account: cancel(account), expiry: { barTime, target, orderedAt: barTime } }
  return { account: { ...account, pending: { target, barTime, session } }, expiry: null }
}

/** A refusal keeps the position and takes back what has not filled. */
export function cancel(account: Account): Account {
  return { ...account, pending: null }
}
