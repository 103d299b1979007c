"""The market and the paper account that training, validation and evaluation share.

The account follows the contract's execution block and nothing else. At each bar, in this order: the
order pending from the bar before fills at this bar's open, if both belong to one session, else it
expires; equity is marked at the close; the policy sees the observation and names a target, or is
not asked where the row carries a flag (a refusal: the position stays, nothing is pending).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = json.loads((ROOT / "config/contracts/observation-15d.v1.json").read_text())
FEATURES = [feature["name"] for feature in CONTRACT["definition"]["features"]]
MARKET_FEATURES = FEATURES[:13]  # position and time_normalized are not normalised
MEAN = np.array(CONTRACT["statistics"]["mean"])
STD = np.array(CONTRACT["statistics"]["std"])
CLIP = CONTRACT["normalisation"]["clip"]
LONG_ABOVE = CONTRACT["mapping"]["longAbove"]
SHORT_BELOW = CONTRACT["mapping"]["shortBelow"]
COST_BPS = CONTRACT["execution"]["commissionBps"] + CONTRACT["execution"]["slippageBps"]
NOTIONAL_USD = CONTRACT["execution"]["notionalUsd"]
INITIAL_CASH_COP = float(CONTRACT["execution"]["initialCashCop"])
NONE = 2  # no pending order; targets are -1, 0 and 1


@dataclass(frozen=True)
class Market:
    """Accepted bars and their normalised features, column by column."""

    time: np.ndarray  # label of the bar, UTC
    session: np.ndarray  # number of the session
    open: np.ndarray
    close: np.ndarray
    observed: np.ndarray  # float64 [n, 13], z-scored and clipped; 0 where refused
    time_normalized: np.ndarray
    refused: np.ndarray  # the row carries a flag

    def between(self, first_day: str, last_day: str) -> "Market":
        day = self.time.astype("datetime64[D]")
        kept = (day >= np.datetime64(first_day)) & (day <= np.datetime64(last_day))
        return Market(**{name: column[kept] for name, column in vars(self).items()})

    def __len__(self) -> int:
        return len(self.close)


def load_market(bars_file: str, features_file: str) -> Market:
    """Joins the bars with what `usdcop features` wrote for them."""
    features = pd.read_csv(features_file, dtype={"flags": str})
    bars = pd.read_csv(bars_file)
    for frame in (features, bars):
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
    # The first row of a bar time stands, as in the reducer.
    bars = bars.drop_duplicates(["symbol", "time"])[["symbol", "time", "open", "close"]]
    rows = features.merge(bars, on=["symbol", "time"], how="left", validate="one_to_one")

    flagged = rows["flags"].fillna("") != ""
    raw = rows[MARKET_FEATURES].to_numpy(float)
    observed = np.clip((raw - MEAN) / STD, -CLIP, CLIP)
    observed[flagged] = 0.0
    day = rows["time"].dt.strftime("%Y-%m-%d")
    return Market(
        time=rows["time"].dt.tz_localize(None).to_numpy("datetime64[s]"),
        session=pd.factorize(day)[0],
        open=rows["open"].to_numpy(float),
        close=rows["close"].to_numpy(float),
        observed=observed,
        time_normalized=rows["time_normalized"].to_numpy(float),
        refused=flagged.to_numpy(),
    )


def target_of(action: np.ndarray) -> np.ndarray:
    """LONG above one threshold, SHORT below the other, else FLAT."""
    return np.where(action > LONG_ABOVE, 1, np.where(action < SHORT_BELOW, -1, 0))


class Accounts:
    """Many paper accounts side by side on one market, each at its own bar."""

    def __init__(self, market: Market, at: np.ndarray, cost_bps: float):
        self.market = market
        self.cost_bps = cost_bps
        self.at = np.asarray(at).copy()
        self.position = np.zeros(len(self.at), int)
        self.pending = np.full(len(self.at), NONE)
        self.cash = np.full(len(self.at), INITIAL_CASH_COP)
        self.cost = np.zeros(len(self.at))  # of the last fill

    def equity(self) -> np.ndarray:
        return self.cash + self.position * NOTIONAL_USD * self.market.close[self.at]

    def observe(self) -> np.ndarray:
        """float32 [accounts, 15] at the close of each account's bar."""
        market = self.market
        time = market.time_normalized[self.at, None]
        columns = [market.observed[self.at], self.position[:, None], time]
        return np.concatenate(columns, axis=1).astype(np.float32)

    def decide(self, action: np.ndarray) -> None:
        target = target_of(action)
        keep = self.market.refused[self.at] | (target == self.position)
        self.pending = np.where(keep, NONE, target)

    def step(self) -> None:
        """Goes to the next bar, where a pending order fills or expires."""
        market = self.market
        before = market.session[self.at]
        self.at = self.at + 1
        fills = (self.pending != NONE) & (market.session[self.at] == before)
        change = np.where(fills, self.pending - self.position, 0)
        value = change * NOTIONAL_USD * market.open[self.at]
        self.cost = np.abs(value) * self.cost_bps / 10_000
        self.cash = self.cash - value - self.cost
        self.position = self.position + change
        self.pending = np.full(len(self.at), NONE)


@dataclass(frozen=True)
class Replay:
    """One account over a whole market, bar by bar."""

    equity: np.ndarray
    position: np.ndarray
    action: np.ndarray  # NaN where refused
    cash: float
    fills: list[dict]  # bar, from, to, price, cost


def replay(market: Market, policy, cost_bps: float = COST_BPS) -> Replay:
    """Runs `policy(observation [1, 15]) -> action [1]` from flat over every bar of the market."""
    account = Accounts(market, np.zeros(1, int), cost_bps)
    n = len(market)
    equity, position, action = np.zeros(n), np.zeros(n, int), np.full(n, np.nan)
    fills = []
    for bar in range(n):
        if bar > 0:
            held = int(account.position[0])
            account.step()
            if account.position[0] != held:
                fills.append(
                    {
                        "barTime": int(market.time[bar].astype("int64")) * 1000,
                        "from": held,
                        "to": int(account.position[0]),
                        "price": float(market.open[bar]),
                        "costCop": float(account.cost[0]),
                    }
                )
        equity[bar], position[bar] = account.equity()[0], account.position[0]
        if not market.refused[bar]:
            action[bar] = policy(account.observe())[0]
        account.decide(np.nan_to_num(action[bar : bar + 1]))
    return Replay(equity, position, action, float(account.cash[0]), fills)
