"""What the policy does on data it has never seen: 2025-01 to 2025-06, after the contract's costs.

    python models/usdcop-ppo/evaluate.py --bars data/usdcop-m5.csv.gz --features features.csv

Writes evaluation.json beside itself, which a test compares with a replay by packages/decision, and
prints the tables of MODEL_CARD.md. The account starts flat; the model is run by ONNX Runtime.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from env import COST_BPS, INITIAL_CASH_COP, NOTIONAL_USD, Market, Replay, load_market, replay
from onnx_policy import read_onnx

HERE = Path(__file__).resolve().parent
PERIOD = ("2025-01-01", "2025-06-30")
SESSIONS_A_YEAR = 240


def constant(action: float):
    return lambda observation: np.full(len(observation), action)


def measure(market: Market, run: Replay) -> dict:
    last = np.flatnonzero(np.append(np.diff(market.session) != 0, True))
    equity = np.concatenate([[INITIAL_CASH_COP], run.equity])
    daily = np.diff(np.concatenate([[INITIAL_CASH_COP], run.equity[last]]))
    peak = np.maximum.accumulate(equity)
    traded = sum(abs(fill["to"] - fill["from"]) for fill in run.fills)
    spread = daily.std(ddof=1)
    return {
        "finalEquityCop": float(run.equity[-1]),
        "returnPct": float(100 * (run.equity[-1] / INITIAL_CASH_COP - 1)),
        "costsCop": sum(fill["costCop"] for fill in run.fills),
        "fills": len(run.fills),
        "turnoverNotionals": traded,
        "maxDrawdownPct": float(100 * ((peak - equity) / peak).max()),
        "sharpe": float(daily.mean() / spread * SESSIONS_A_YEAR**0.5) if spread > 0 else None,
        "exposure": {
            name: float((run.position == side).mean())
            for name, side in (("long", 1), ("flat", 0), ("short", -1))
        },
    }


def monthly(market: Market, run: Replay) -> list[dict]:
    month = market.time.astype("datetime64[M]").astype(str)
    before = INITIAL_CASH_COP
    rows = []
    for name in np.unique(month):
        end = run.equity[month == name][-1]
        fills = [f for f in run.fills if str(np.datetime64(f["barTime"], "ms"))[:7] == name]
        rows.append(
            {
                "month": str(name),
                "returnPct": float(100 * (end - before) / INITIAL_CASH_COP),
                "costsCop": sum(fill["costCop"] for fill in fills),
                "fills": len(fills),
            }
        )
        before = end
    return rows


def distribution(action: np.ndarray) -> dict:
    asked = action[~np.isnan(action)]
    clipped = np.clip(asked, -1, 1)
    percents = (1, 10, 25, 50, 75, 90, 99)
    return {
        "decisions": len(asked),
        "refusals": int(np.isnan(action).sum()),
        "clippedShare": float((np.abs(asked) > 1).mean()),
        "quantiles": {f"p{q}": float(np.percentile(clipped, q)) for q in percents},
    }


def table(rows: dict[str, dict]) -> str:
    lines = [
        "| | return % | costs, M COP | fills | turnover | drawdown % | Sharpe | long/flat/short % |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in rows.items():
        sharpe = "-" if row["sharpe"] is None else f"{row['sharpe']:.2f}"
        shares = "/".join(f"{100 * share:.0f}" for share in row["exposure"].values())
        lines.append(
            f"| {name} | {row['returnPct']:.2f} | {row['costsCop'] / 1e6:.1f} | {row['fills']} "
            f"| {row['turnoverNotionals']} | {row['maxDrawdownPct']:.2f} | {sharpe} | {shares} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", required=True)
    parser.add_argument("--features", required=True)
    args = parser.parse_args()
    everything = load_market(args.bars, args.features)
    market = everything.between(*PERIOD)
    model = HERE / "model.onnx"
    policy = read_onnx(model)

    run = replay(market, policy)
    results = {
        "policy": measure(market, run),
        "policy, no costs": measure(market, replay(market, policy, 0.0)),
        "flat": measure(market, replay(market, constant(0.0))),
        "hold long": measure(market, replay(market, constant(1.0))),
        "hold short": measure(market, replay(market, constant(-1.0))),
    }
    last = np.flatnonzero(np.append(np.diff(market.session) != 0, True))
    evaluation = {
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "from": str(market.time[0]) + "Z",
        "to": str(market.time[-1]) + "Z",
        "bars": len(market),
        "sessions": len(last),
        "costBps": COST_BPS,
        "notionalUsd": NOTIONAL_USD,
        "initialCashCop": INITIAL_CASH_COP,
        "results": results,
        "months": monthly(market, run),
        "actions": distribution(run.action),
        "final": {
            "position": int(run.position[-1]),
            "cashCop": run.cash,
            "equityCop": float(run.equity[-1]),
        },
        "fills": run.fills,
        "sessionEquityCop": {
            str(market.time[bar].astype("datetime64[D]")): float(run.equity[bar]) for bar in last
        },
    }
    (HERE / "evaluation.json").write_text(json.dumps(evaluation, indent=1) + "\n")
    print(table(results), end="\n\n")
    for row in evaluation["months"]:
        month, costs = row["month"], row["costsCop"] / 1e6
        print(f"| {month} | {row['returnPct']:.2f} | {costs:.1f} | {row['fills']} |")
    print(json.dumps(evaluation["actions"]))
    seen = {"learnt from": ("2020-03-01", "2024-06-30"), "chosen on": ("2024-07-01", "2024-12-31")}
    for name, (first, final) in seen.items():
        part = everything.between(first, final)
        runs = {name: COST_BPS, f"{name}, no costs": 0.0}
        print(table({row: measure(part, replay(part, policy, cost)) for row, cost in runs.items()}))


if __name__ == "__main__":
    main()
