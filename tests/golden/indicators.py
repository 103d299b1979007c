"""Writes indicators.json: RSI(9), ATR(10) and ADX(14) as TA-Lib 0.8.2 computes them.

    pip install numpy TA-Lib==0.8.2 && python tests/golden/indicators.py
"""

import json
import pathlib

import numpy
import talib

random = numpy.random.RandomState(20261123)


def walk(bars, flat):
    """Closes in pesos and cents, a share of them unmoved, with highs and lows around most others."""
    moved = random.rand(bars) >= flat
    close = 4000 + numpy.cumsum(numpy.where(moved, random.randn(bars) * 3, 0))
    high = close + numpy.where(random.rand(bars) >= flat, abs(random.randn(bars)), 0)
    low = close - numpy.where(random.rand(bars) >= flat, abs(random.randn(bars)), 0)
    return high.round(2), low.round(2), close.round(2)


def still(bars, price=4000.0):
    return (numpy.full(bars, price),) * 3


def join(*parts):
    return tuple(numpy.concatenate(columns) for columns in zip(*parts))


def rising(bars):
    close = 4000.0 + numpy.arange(bars)
    return close + 0.5, close - 0.5, close


def ranging(bars):
    """Equal highs and lows: a true range without a direction."""
    return numpy.full(bars, 4001.0), numpy.full(bars, 3999.0), 4000.0 + numpy.arange(bars) % 2


def tiny(bars):
    return tuple(column / 1e18 for column in walk(bars, 0.5))


SERIES = {
    "a random walk": walk(160, 0),
    "nine bars in ten flat": walk(200, 0.91),
    "no movement at all": still(60),
    "stillness before the first move": join(still(40), walk(60, 0.3)),
    "nothing but rises": rising(60),
    "a range without a direction": ranging(60),
    "a move and then stillness until the averages fade": join(walk(40, 0), still(420, 3999.5)),
    "stillness that ends": join(walk(30, 0), still(50, 4001.0), walk(30, 0.5)),
    "prices near zero": tiny(80),
}


def listed(values):
    return [None if numpy.isnan(value) else float(value) for value in values]


def golden(high, low, close):
    never_moved = numpy.maximum.accumulate(close) == numpy.minimum.accumulate(close)
    return {
        "high": listed(high),
        "low": listed(low),
        "close": listed(close),
        "rsi": listed(talib.RSI(close, 9)),
        # TA-Lib's zero branch: no gain and no loss so far.
        "rsiZeroBranch": int(never_moved.sum()),
        "atr": listed(talib.ATR(high, low, close, 10)),
        "adx": listed(talib.ADX(high, low, close, 14)),
    }


document = {"talib": talib.__version__, "series": {n: golden(*s) for n, s in SERIES.items()}}
path = pathlib.Path(__file__).with_name("indicators.json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
