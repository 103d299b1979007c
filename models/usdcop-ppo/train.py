"""Trains the demo policy. Not run in CI; about 18 minutes on a shared core.

    usdcop features --bars data/usdcop-m5.csv.gz --macro data/macro-daily.csv --out features.csv
    python models/usdcop-ppo/train.py --bars data/usdcop-m5.csv.gz --features features.csv

Writes model.onnx and training.json beside itself. Learns on 2020-03 to 2024-06; a checkpoint is
chosen by its result on 2024-07 to 2024-12 after full costs, among those that trade. Nothing of 2025
is looked at.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time
from copy import deepcopy
from pathlib import Path

import numpy as np
from env import COST_BPS, MEAN, NOTIONAL_USD, STD, Accounts, Market, load_market, replay
from onnx_policy import write_onnx
from ppo import Agent, Batch, F, advantages

HERE = Path(__file__).resolve().parent
TRAIN = ("2020-03-01", "2024-06-30")
VALIDATE = ("2024-07-01", "2024-12-31")
# "Trades": at least two fills a week of the half year, and at most nine bars in ten on one side.
LEAST_FILLS, MOST_ONE_SIDED = 52, 0.9

SEEDS = [1, 2, 3, 4, 5, 6]
ENVS, ROLLOUT, EPISODE = 128, 240, 1200
UPDATES = 140
CURRICULUM = 0.3  # share of the updates over which costs rise from nothing to full
DISCOUNT, SMOOTHING = 0.996, 0.98
RATE, EPOCHS, MINIBATCH = 1e-3, 6, 4096
# Standard deviations added to what is observed. A session has one set of macro values, so a policy
# that saw them exactly would know the days by heart.
PRICE_NOISE, MACRO_NOISE = 0.1, 1.0
# Exploration is held for about this many bars: noise of every bar would pay a cost at every bar,
# and what is learnt from that is to sit still.
HOLD = 90
SPREAD = 1.0  # of the actions at the start
NOISE = np.array([PRICE_NOISE] * 6 + [MACRO_NOISE] * 7, F)


class Rollouts:
    """Accounts that walk through the training market and start again at random bars."""

    def __init__(self, market: Market, rng: np.random.Generator):
        self.market = market
        self.rng = rng
        self.accounts = Accounts(market, self.starts(ENVS), 0.0)
        self.left = rng.integers(1, EPISODE, ENVS)
        self.impulse = rng.standard_normal(ENVS)

    def starts(self, count: int) -> np.ndarray:
        return self.rng.integers(0, len(self.market) - EPISODE - 1, count)

    def observe(self) -> np.ndarray:
        observation = self.accounts.observe()
        observation[:, :13] += NOISE * self.rng.standard_normal((ENVS, 13)).astype(F)
        return observation

    def collect(self, agent: Agent, cost_bps: float) -> Batch:
        accounts, market = self.accounts, self.market
        accounts.cost_bps = cost_bps
        seen = np.zeros((ROLLOUT, ENVS, 15), F)
        acted, logp, value, reward = (np.zeros((ROLLOUT, ENVS), F) for _ in range(4))
        asked = np.zeros((ROLLOUT, ENVS), bool)
        cut = np.full((ROLLOUT, ENVS), np.nan, F)
        for t in range(ROLLOUT):
            seen[t] = self.observe()
            acted[t], logp[t] = agent.act(seen[t], self.impulse)
            value[t] = agent.critic(seen[t])
            asked[t] = ~market.refused[accounts.at]
            before, price = accounts.equity(), market.close[accounts.at]
            accounts.decide(acted[t])
            accounts.step()
            # In percent of the notional, so that rewards are near one.
            reward[t] = 100 * (accounts.equity() - before) / (NOTIONAL_USD * price)
            anew = self.rng.random(ENVS) < 1 / HOLD
            self.impulse = np.where(anew, self.rng.standard_normal(ENVS), self.impulse)
            self.left -= 1
            over = self.left == 0
            if over.any():
                cut[t, over] = agent.critic(self.observe())[over]
                self.restart(over)
        last = agent.critic(self.observe())
        gain = advantages(reward, value, cut, last, DISCOUNT, SMOOTHING)
        flat = [x[asked] for x in (seen, acted, logp, gain, gain + value)]
        return Batch(*flat)

    def restart(self, over: np.ndarray) -> None:
        count = int(over.sum())
        self.accounts.at[over] = self.starts(count)
        self.accounts.position[over] = self.rng.integers(-1, 2, count)
        self.left[over] = EPISODE


def judge(market: Market, agent: Agent) -> dict:
    """What the deterministic policy does on the validation half year, after full costs."""
    run = replay(market, agent.actor, COST_BPS)
    pnl = np.diff(run.equity) / (NOTIONAL_USD * market.close[0])
    long, short = float((run.position > 0).mean()), float((run.position < 0).mean())
    return {
        "returnOnNotional": float(pnl.sum()),
        "fills": len(run.fills),
        "long": long,
        "short": short,
        "trades": len(run.fills) >= LEAST_FILLS and max(long, short) <= MOST_ONE_SIDED,
    }


def train(market: Market, validation: Market, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    agent = Agent(rng, 15, float(np.log(SPREAD)))
    rollouts = Rollouts(market, rng)
    checkpoints = []
    for update in range(1, UPDATES + 1):
        cost = COST_BPS * min(1.0, update / (CURRICULUM * UPDATES))
        rate = RATE * (1 - 0.8 * update / UPDATES)
        batch = rollouts.collect(agent, cost)
        agent.update(batch, rate=rate, epochs=EPOCHS, size=MINIBATCH)
        if update % 10 == 0:
            spread = float(np.exp(agent.log_std[0]))
            score = {"seed": seed, "update": update, **judge(validation, agent)}
            print(json.dumps({**score, "spread": round(spread, 3)}), flush=True)
            if cost == COST_BPS:
                checkpoints.append({"score": score, "actor": deepcopy(agent.actor)})
    return checkpoints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", required=True)
    parser.add_argument("--features", required=True)
    args = parser.parse_args()
    everything = load_market(args.bars, args.features)
    market, validation = everything.between(*TRAIN), everything.between(*VALIDATE)

    started = time.monotonic()
    checkpoints = [c for seed in SEEDS for c in train(market, validation, seed)]
    able = [c for c in checkpoints if c["score"]["trades"]] or checkpoints
    best = max(able, key=lambda c: c["score"]["returnOnNotional"])
    write_onnx(best["actor"].weights, HERE / "model.onnx")
    score = best["score"]
    record = {
        "seed": score["seed"],
        "seeds": SEEDS,
        "steps": score["update"] * ENVS * ROLLOUT,
        "dataFrom": TRAIN[0],
        "dataTo": VALIDATE[1],
        "learntTo": TRAIN[1],
        "chosen": score,
        "candidates": len(checkpoints),
        "candidatesThatTrade": sum(c["score"]["trades"] for c in checkpoints),
        "statistics": {"mean": MEAN.tolist(), "std": STD.tolist()},
    }
    (HERE / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps({"minutes": round((time.monotonic() - started) / 60, 1), **record}))


if __name__ == "__main__":
    main()
