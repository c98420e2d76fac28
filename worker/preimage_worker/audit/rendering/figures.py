"""Numbers as people read them; report.json has all of their digits.

A zero is never negative, and a share below one in a hundred keeps two digits: a chance of 0.2 %
must not read 0.
"""

from typing import Final

from preimage_worker.audit.measures.intervals import Interval

_JOINED: Final = "\N{NO-BREAK SPACE}"
"""Keeps a unit on the line of its number."""
_DECIBELS: Final = f"{_JOINED}dB"
_PERCENT: Final = f"{_JOINED}%"
_DIGITS: Final = 4
_SMALLEST: Final = 1e-4
_LARGEST: Final = 1e6


def number(value: float) -> str:
    """Four significant digits."""
    if value == 0:
        return "0"
    if isinstance(value, int):
        return str(value)
    if _SMALLEST <= abs(value) < _LARGEST:
        digits = f"{float(f'{value:.{_DIGITS}g}'):.10f}"
        return digits.rstrip("0").rstrip(".")
    return f"{value:.{_DIGITS - 1}e}"


def score(value: float) -> str:
    """Three decimals: of FVE and SSIM."""
    return _positive_zero(f"{value:.3f}")


def decibels(value: float) -> str:
    """One decimal, with the unit."""
    return _positive_zero(f"{value:.1f}") + _DECIBELS


def percent(value: float) -> str:
    """Of a rate from 0 to 1."""
    hundredths = 100 * value
    text = f"{hundredths:.1f}" if hundredths >= 1 or value == 0 else f"{hundredths:.2g}"
    return text.removesuffix(".0") + _PERCENT


def limits(interval: Interval) -> str:
    """Of a score."""
    return f"{score(interval.lower)} to {score(interval.upper)}"


def limits_db(interval: Interval) -> str:
    """Of a figure in decibels, whose unit stands beside the figure."""
    ends = (decibels(end).removesuffix(_DECIBELS) for end in (interval.lower, interval.upper))
    return " to ".join(ends)


def limits_percent(interval: Interval) -> str:
    """Of a rate."""
    return f"{percent(interval.lower).removesuffix(_PERCENT)} to {percent(interval.upper)}"


def limits_number(interval: Interval) -> str:
    """Of any other figure."""
    return f"{number(interval.lower)} to {number(interval.upper)}"


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(count: int, one: str, many: str = "") -> str:
    """`1 row`, `3 rows`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def _positive_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.") else text
