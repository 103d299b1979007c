"""The features of the observation contract once more, from its text, with pandas and TA-Lib.

A second opinion and nothing else: it shares no line with packages/observation, keeps no state and
sees whole columns at once. Definitions: ARCHITECTURE.md, "The observation contract".

    recompute.py --bars FILE.csv[.gz] --macro FILE.csv --holidays FILE.csv --out FILE.csv

One row an accepted bar, in the order of the input; a missing value is an empty cell. What was
rejected goes to standard output as JSON: {"accepted": n, "rejected": {reason: n}}.
"""

import argparse
import json

import numpy as np
import pandas as pd
import talib

SERIES = {
    "dxy": "dxy",
    "vix": "vix",
    "embi": "embi_col",
    "brent": "brent",
    "usdmxn": "usdmxn",
    "ust10y": "ust10y",
    "col10y": "col10y",
}
TECHNICAL = ["log_ret_5m", "log_ret_1h", "log_ret_4h", "rsi_9", "atr_pct", "adx_14"]
MACRO = [
    "dxy_z",
    "dxy_change_1d",
    "vix_z",
    "embi_z",
    "brent_change_1d",
    "rate_spread",
    "usdmxn_change_1d",
]
FEATURES = TECHNICAL + MACRO
COLUMNS = ["time", "symbol", *FEATURES, "time_normalized", "gap_bars", "flags"]

PRICES = ["open", "high", "low", "close"]
SESSION_OPEN_MIN, SESSION_LAST_MIN, BAR_MIN = 13 * 60, 17 * 60 + 55, 5
WARMUP_BARS, MAX_GAP_BARS = 150, 6
Z_WINDOW, Z_LEAST, Z_CLIP = 60, 20, 4.0
RETURN_CLIP, CHANGE_CLIP = 0.05, 0.10
MACRO_LIMIT = pd.Timedelta(days=10)
RELEASE_TIME = pd.Timedelta(hours=12, minutes=50)


def number(text: str) -> float:
    """A float read exactly; anything that is not a finite number is NaN."""
    try:
        value = float(text)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan


def read_bars(path: str) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    bars = pd.DataFrame({"symbol": raw["symbol"]})
    bars["time"] = pd.to_datetime(raw["time"], utc=True, errors="coerce", format="ISO8601")
    for price in PRICES:
        bars[price] = raw[price].map(number)
    return bars


def read_macro(path: str) -> dict[str, pd.Series]:
    """Every published value of every series by its date; an empty cell was not published."""
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    dates = pd.to_datetime(raw["date"])
    series = {}
    for name, column in SERIES.items():
        values = pd.Series(raw[column].map(number).to_numpy(), index=dates).dropna()
        series[name] = values[~values.index.duplicated(keep="last")].sort_index()
    return series


def read_holidays(path: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(pd.read_csv(path)["date"]).unique())


def reject(bars: pd.DataFrame, holidays: pd.DatetimeIndex) -> pd.Series:
    """The first reason to refuse each row, in the contract's order; empty where there is none."""
    time, prices = bars["time"], bars[PRICES]
    day = time.dt.tz_localize(None).dt.normalize()
    minute = time.dt.hour * 60 + time.dt.minute
    checks = {
        "unparsable": time.isna() | prices.isna().any(axis=1) | (bars["symbol"] == ""),
        "non_positive": (prices <= 0).any(axis=1),
        "ohlc": (bars["high"] < bars[["open", "close"]].max(axis=1))
        | (bars["low"] > bars[["open", "close"]].min(axis=1)),
        "off_grid": time != time.dt.floor(f"{BAR_MIN}min"),
        "weekend": time.dt.day_of_week >= 5,
        "holiday": day.isin(holidays),
        "session": (minute < SESSION_OPEN_MIN) | (minute > SESSION_LAST_MIN),
    }
    reason = pd.Series("", index=bars.index)
    for name, hit in checks.items():
        reason[(reason == "") & hit.fillna(False).astype(bool)] = name

    # What remains must move forward; the first row of a bar time stands.
    left = bars[reason == ""]
    newest = left.groupby("symbol")["time"].transform(lambda times: times.cummax().shift())
    forward = newest.isna() | (left["time"] > newest)
    stands = pd.MultiIndex.from_frame(left.loc[forward, ["symbol", "time"]])
    repeated = pd.MultiIndex.from_frame(left[["symbol", "time"]]).isin(stands)
    reason[left.index[~forward & repeated]] = "duplicate"
    reason[left.index[~forward & ~repeated]] = "out_of_order"
    return reason


def technical(bars: pd.DataFrame) -> pd.DataFrame:
    """The six price features of one symbol's accepted bars."""
    close = bars["close"].to_numpy()
    high, low = bars["high"].to_numpy(), bars["low"].to_numpy()
    out = pd.DataFrame(index=bars.index)
    for name, lag in (("log_ret_5m", 1), ("log_ret_1h", 12), ("log_ret_4h", 48)):
        ratio = bars["close"] / bars["close"].shift(lag)
        out[name] = np.log(ratio).clip(-RETURN_CLIP, RETURN_CLIP)

    # TA-Lib answers 0 both for "only losses" and for "no movement". Mirrored prices turn losses
    # into gains, so only its zero branch gives 0 on both sides; there the contract says 50.
    rsi, mirrored = talib.RSI(close, 9), talib.RSI(-close, 9)
    rsi[(rsi == 0) & (mirrored == 0)] = 50.0
    out["rsi_9"] = rsi
    out["atr_pct"] = talib.ATR(high, low, close, 10) / close * 100
    out["adx_14"] = talib.ADX(high, low, close, 14)
    return out


def z_score(values: pd.Series) -> pd.Series:
    def of(window: np.ndarray) -> float:
        if window.max() == window.min():
            return 0.0
        return (window[-1] - window.mean()) / window.std(ddof=1)

    return values.rolling(Z_WINDOW, min_periods=Z_LEAST).apply(of, raw=True).clip(-Z_CLIP, Z_CLIP)


def change(values: pd.Series) -> pd.Series:
    return (values / values.shift() - 1).clip(-CHANGE_CLIP, CHANGE_CLIP)


def as_of(values: pd.Series, days: pd.DatetimeIndex) -> pd.Series:
    """The newest value dated strictly before each session day: by then it has been released."""
    return values.reindex(days - pd.Timedelta(days=1), method="ffill").set_axis(days)


def released_at(dates: pd.DatetimeIndex, holidays: pd.DatetimeIndex) -> pd.Series:
    """12:50 UTC of the first session day after each date."""
    if dates.empty:
        return pd.Series(pd.NaT, index=dates)
    business = pd.date_range(dates[0], dates[-1] + pd.Timedelta(days=30), freq="B")
    open_days = business[~business.isin(holidays)]
    after = open_days[open_days.searchsorted(dates, side="right")]
    return pd.Series(after + RELEASE_TIME, index=dates)


def macro(series: dict[str, pd.Series], days: pd.DatetimeIndex, holidays: pd.DatetimeIndex):
    """The seven macro features of each session day, and when its most silent series last spoke."""
    out = pd.DataFrame(index=days)
    for name in ("dxy", "vix", "embi"):
        out[f"{name}_z"] = as_of(z_score(series[name]), days)
    for name in ("dxy", "brent", "usdmxn"):
        out[f"{name}_change_1d"] = as_of(change(series[name]), days)
    out["rate_spread"] = as_of(series["col10y"], days) - as_of(series["ust10y"], days)

    releases = {
        name: as_of(released_at(values.index, holidays), days) for name, values in series.items()
    }
    out["oldest_release"] = pd.DataFrame(releases).min(axis=1)
    return out


def recompute(bars: pd.DataFrame, series: dict[str, pd.Series], holidays: pd.DatetimeIndex):
    """Every accepted bar with its features, and how many rows fell to each reason."""
    reason = reject(bars, holidays)
    accepted = bars[reason == ""].copy()
    day = accepted["time"].dt.tz_localize(None).dt.normalize()

    symbols = [technical(group) for _, group in accepted.groupby("symbol", sort=False)]
    accepted[TECHNICAL] = pd.concat(symbols) if symbols else np.nan
    by_day = macro(series, pd.DatetimeIndex(sorted(day.unique())), holidays)
    accepted[MACRO] = by_day[MACRO].reindex(day).to_numpy()

    minute = accepted["time"].dt.hour * 60 + accepted["time"].dt.minute
    session_minutes = SESSION_LAST_MIN - SESSION_OPEN_MIN
    accepted["time_normalized"] = (minute - SESSION_OPEN_MIN) / session_minutes
    step = accepted.groupby(["symbol", day.rename("day")])["time"].diff()
    missing = step / pd.Timedelta(minutes=BAR_MIN) - 1
    accepted["gap_bars"] = missing.fillna(0).round().astype(int)

    available = accepted["time"].dt.tz_localize(None) + pd.Timedelta(minutes=BAR_MIN)
    silence = available - by_day["oldest_release"].reindex(day).to_numpy()
    nth = accepted.groupby("symbol").cumcount()
    raised = {
        "warmup": (nth < WARMUP_BARS) | accepted[FEATURES].isna().any(axis=1),
        "gap": accepted["gap_bars"] > MAX_GAP_BARS,
        "stale_macro": silence > MACRO_LIMIT,
    }
    flags = pd.Series("", index=accepted.index)
    for name, hit in raised.items():
        flags[hit] += f"|{name}"
    accepted["flags"] = flags.str.removeprefix("|")

    counts = reason[reason != ""].value_counts()
    return accepted, {name: int(count) for name, count in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("bars", "macro", "holidays", "out"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()

    rows, rejected = recompute(
        read_bars(args.bars), read_macro(args.macro), read_holidays(args.holidays)
    )
    rows["time"] = rows["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows[COLUMNS].to_csv(args.out, index=False)
    print(json.dumps({"accepted": len(rows), "rejected": rejected}, sort_keys=True))


if __name__ == "__main__":
    main()
