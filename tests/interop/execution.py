"""Replays the actions of execution.interop.test.ts with the account the demo policy trained on.

    execution.py --bars FILE.csv[.gz] --features FILE.csv --out FILE.json
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models/usdcop-ppo"))
from env import load_market, replay  # noqa: E402


def scripted():
    """A policy that looks at nothing: the same integers in both languages."""
    asked = 0

    def policy(_observation: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += 1
        return np.array([asked // 3 * 7919 % 211 / 105 - 1])

    return policy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("bars", "features", "out"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    market = load_market(args.bars, args.features).between("2020-01-01", "2020-12-31")
    run = replay(market, scripted())
    outcome = {"fills": run.fills, "cash": run.cash, "equity": run.equity.tolist()}
    Path(args.out).write_text(json.dumps(outcome))


if __name__ == "__main__":
    main()
