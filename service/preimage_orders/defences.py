"""Defences as words, such as `clip:rel_norm=1+gaussian:rel_rms=0.3`, for who only passes them on.

The stages stand here as data. What they do, worker/preimage_worker/inversion/defences says; a test
compares the two.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, TypeAlias, final

Value: TypeAlias = int | float | bool

NONE: Final = "none"
"""The chain without stages."""

_PLUS = re.compile(r"(?<![0-9][eE])\+")  # not the one in 1e+3
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}
_WORDS = {int: "INTEGER", float: "NUMBER", bool: "true|false"}
_LONGEST_QUOTE = 64


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a stage: its type and its closed range."""

    kind: type[int] | type[float] | type[bool]
    least: float = 0
    most: float = 1
    default: Value | None = None
    required: bool = True


@final
@dataclass(frozen=True, slots=True)
class StageWords:
    """How a stage is written."""

    settings: Mapping[str, Setting]
    one_of: tuple[str, ...] = ()
    """Settings of which exactly one must be given."""


def _stage(one_of: tuple[str, ...] = (), **settings: Setting) -> StageWords:
    return StageWords(MappingProxyType(settings), one_of)


_STRENGTH = Setting(float, 1e-6, 1e6)
_SEED = Setting(int, 0, 2**63 - 1, default=0, required=False)
_DROPPED = Setting(float, 0, 1)

STAGES: Final[Mapping[str, StageWords]] = MappingProxyType(
    {
        "gaussian": _stage(rel_rms=_STRENGTH),
        "laplace": _stage(rel_rms=_STRENGTH),
        "clip": _stage(rel_norm=_STRENGTH),
        "normalise": _stage(),
        "quantise": _stage(bits=Setting(int, 1, 16)),
        "sign": _stage(),
        "topk": _stage(fraction=Setting(float, 1e-6, 1)),
        "prune": _stage(fraction=Setting(float, 0, 1 - 1e-6)),
        "pca": _stage(
            ("components", "variance"),
            components=Setting(int, 1, 1_000_000, required=False),
            variance=Setting(float, 1e-6, 1, required=False),
        ),
        "projection": _stage(
            dimensions=Setting(int, 1, 1_000_000),
            keyed=Setting(bool, default=False, required=False),
        ),
        "pool": _stage(k=Setting(int, 2, 4096)),
        "drop_positions": _stage(fraction=_DROPPED, seed=_SEED),
        "drop_channels": _stage(fraction=_DROPPED, seed=_SEED),
    }
)
"""By name."""


class DefenceFault(ValueError):  # noqa: N818 - like the pictures' Fault: a sentence for a field
    """What is wrong with a chain, without a subject: "names no stage 'gausian' …"."""


def read_chain(text: str) -> str:
    """Check one chain, and spell it in the one way that equal chains share.

    Raises:
        DefenceFault: a stage, a setting or a value that is none.
    """
    if text.strip() == NONE:
        return NONE
    return "+".join(_read_stage(word.strip()) for word in _PLUS.split(text))


def stage_names(chain: str) -> list[str]:
    """Of a chain, in order, known or not."""
    return [word.partition(":")[0].strip() for word in _PLUS.split(chain)]


def _read_stage(word: str) -> str:
    name, colon, rest = word.partition(":")
    name = name.strip()
    words = STAGES.get(name)
    if words is None:
        known = f"; there are {', '.join(STAGES)}"
        raise DefenceFault(f"names no stage {_quoted(name)}{_meant(name, STAGES) or known}")
    if colon and not rest.strip():
        raise DefenceFault(f"ends a stage with a colon; write {usage(name)}")
    values = _read_settings(name, words, rest) if rest else {}
    _check_there(name, words, values)
    spelt = [
        f"{setting}={_spelt(values[setting])}"
        for setting, kind in words.settings.items()
        if setting in values and values[setting] != kind.default
    ]
    return f"{name}:{','.join(spelt)}" if spelt else name


def _read_settings(name: str, words: StageWords, rest: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for item in rest.split(","):
        setting, equals, value = (part.strip() for part in item.partition("="))
        if not equals and found:
            raise DefenceFault(
                f"has several values for {name}:{next(reversed(found))}; that means several"
                " defences: write one each"
            )
        if not equals:
            raise DefenceFault(f"has {_quoted(item.strip())} for a setting; write {usage(name)}")
        if setting not in words.settings:
            has = ", ".join(words.settings) or "none"
            hint = _meant(setting, words.settings) or f"; it has {has}"
            raise DefenceFault(f"sets {_quoted(setting)}, which {name} does not have{hint}")
        if setting in found:
            raise DefenceFault(f"sets {name}:{setting} twice")
        found[setting] = _read_value(f"{name}:{setting}", words.settings[setting], value)
    return found


def _read_value(path: str, setting: Setting, text: str) -> Value:
    try:
        value = _BOOLEANS[text.lower()] if setting.kind is bool else setting.kind(text)
    except (KeyError, ValueError):
        raise DefenceFault(
            f"has {_quoted(text)} for {path}, which is not {_KINDS[setting.kind]}"
        ) from None
    if not setting.least <= value <= setting.most:
        raise DefenceFault(
            f"has {text[:_LONGEST_QUOTE]} for {path}; it must be {setting.least:g} to"
            f" {setting.most:g}"
        )
    return value


def _check_there(name: str, words: StageWords, values: Mapping[str, Value]) -> None:
    for setting, kind in words.settings.items():
        if kind.required and setting not in values:
            raise DefenceFault(f"lacks {name}:{setting}; write {usage(name)}")
    if words.one_of and sum(setting in values for setting in words.one_of) != 1:
        either = " or ".join(f"{name}:{setting}=…" for setting in words.one_of)
        raise DefenceFault(f"takes one of them: {either}")


def usage(name: str) -> str:
    """How a stage is written: "gaussian:rel_rms=NUMBER"."""
    settings = [
        text if kind.required else f"[{text}]"
        for setting, kind in STAGES[name].settings.items()
        for text in (f"{setting}={_WORDS[kind.kind]}",)
    ]
    return f"{name}:{','.join(settings)}" if settings else name


def _spelt(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0")


def _quoted(text: str) -> str:
    return repr(text[:_LONGEST_QUOTE])


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word[:_LONGEST_QUOTE], list(known), 1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
