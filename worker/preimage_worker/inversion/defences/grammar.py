"""Defences as words: `clip:rel_norm=1+gaussian:rel_rms=0.3`, and back.

defences    chain, of all its combinations of values
chain       stage + stage + … , or none
stage       name, or name:setting=value,setting=value…
value       a number or true or false; several with commas between mean several defences
"""

import itertools
import re
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches

from preimage_worker.inversion.defences.bases import Pca, Projection
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.coarsenings import Prune, Quantise, Sign, TopK
from preimage_worker.inversion.defences.noises import Gaussian, Laplace
from preimage_worker.inversion.defences.scalings import Clip, Normalise
from preimage_worker.inversion.defences.stage import Stage
from preimage_worker.inversion.defences.thinning import DropChannels, DropPositions, Pool
from preimage_worker.inversion.errors import DefenceError

STAGES: dict[str, type[Stage]] = {
    kind.name: kind
    for kind in (
        *(Gaussian, Laplace, Clip, Normalise, Quantise, Sign, TopK, Prune),
        *(Pca, Projection, Pool, DropPositions, DropChannels),
    )
}
"""By name."""
NONE = "none"
"""The chain without stages."""

Value = int | float | bool

_MOST = 1000  # defences of one text
_PLUS = re.compile(r"(?<![0-9][eE])\+")  # not the one in 1e+3
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}


def parse(text: str) -> tuple[Chain, ...]:
    """The defences that a text names, in the order in which its values are written.

    Raises:
        DefenceError: a stage, a setting or a value that is none.
        SettingError: a value outside its range.
    """
    if text.strip() == NONE:
        return (Chain(),)
    choices = [_stages(word.strip(), text) for word in _PLUS.split(text)]
    number = 1
    for stages in choices:
        number *= len(stages)
    if number > _MOST:
        raise DefenceError(f"{text!r} names {number} defences; use at most {_MOST}.")
    return tuple(Chain(stages) for stages in itertools.product(*choices))


def spell(chain: Chain) -> str:
    """The chain in words that `parse` takes for it; the same for equal chains."""
    return "+".join(_spell_stage(stage) for stage in chain.stages) or NONE


def usage() -> tuple[str, ...]:
    """How each stage is written: "gaussian:rel_rms=NUMBER"."""
    return tuple(_usage(kind) for kind in STAGES.values())


def _stages(word: str, text: str) -> list[Stage]:
    """One stage, of every combination of its settings' values."""
    name, colon, rest = word.partition(":")
    kind = STAGES.get(name.strip())
    if kind is None:
        raise DefenceError(
            f"{text!r} names no stage {name.strip()!r}{_meant(name.strip(), STAGES)}; use "
            f"{', '.join(STAGES)}, or {NONE} alone."
        )
    if colon and not rest.strip():
        raise DefenceError(f"{word!r} ends with a colon; write {_usage(kind)}.")
    given = _settings(kind, rest) if rest else {}
    missing = [each.name for each in _own(kind) if each.default is MISSING]
    missing = [setting for setting in missing if setting not in given]
    if missing:
        raise DefenceError(f"{word!r} lacks {missing[0]!r}; write {_usage(kind)}.")
    return [
        kind(**dict(zip(given, values, strict=True)))
        for values in itertools.product(*given.values())
    ]


def _settings(kind: type[Stage], rest: str) -> dict[str, list[Value]]:
    """The values of each setting."""
    known = {each.name: each for each in _own(kind)}
    found: dict[str, list[Value]] = {}
    now = ""
    for item in rest.split(","):
        setting, equals, value = item.rpartition("=")
        if equals:
            now = setting.strip()
            _check_setting(kind, now, known, found)
            found[now] = []
        elif not now:
            raise DefenceError(f"{item.strip()!r} is no setting; write {_usage(kind)}.")
        found[now].append(_value(kind, known[now], value.strip()))
    return found


def _check_setting(
    kind: type[Stage], setting: str, known: Iterable[str], found: Iterable[str]
) -> None:
    if setting not in known:
        allowed = ", ".join(known) or "none"
        raise DefenceError(
            f"{kind.name} has no setting {setting!r}{_meant(setting, known)}; it has {allowed}."
        )
    if setting in found:
        raise DefenceError(
            f"{kind.name} is given {setting!r} twice; for several defences write "
            f"{setting}=FIRST,SECOND."
        )


def _value(kind: type[Stage], setting: "Field[Value]", word: str) -> Value:
    wanted = _kind_of(setting)
    try:
        if wanted is bool:
            return _BOOLEANS[word.lower()]
        return wanted(word)
    except (KeyError, ValueError):
        raise DefenceError(
            f"{kind.name}:{setting.name} is {word!r}, which is not {_KINDS[wanted]}."
        ) from None


def _own(kind: type[Stage]) -> "Sequence[Field[Value]]":
    """The settings of a stage."""
    return fields(kind)


def _kind_of(setting: "Field[Value]") -> type[int] | type[float] | type[bool]:
    """Of its values."""
    declared: object = setting.type
    if isinstance(declared, types.UnionType):
        declared = typing.get_args(declared)[0]
    assert declared in _KINDS
    return declared


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), 1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _usage(kind: type[Stage]) -> str:
    words = {int: "INTEGER", float: "NUMBER", bool: "true|false"}
    settings = [(each, f"{each.name}={words[_kind_of(each)]}") for each in _own(kind)]
    given = [text if each.default is MISSING else f"[{text}]" for each, text in settings]
    return f"{kind.name}:{','.join(given)}" if given else kind.name


def _spell_stage(stage: Stage) -> str:
    values = {each.name: (getattr(stage, each.name), each) for each in _own(type(stage))}
    settings = [
        f"{name}={_spell_value(value)}"
        for name, (value, each) in values.items()
        if value != each.default
    ]
    return f"{stage.name}:{','.join(settings)}" if settings else stage.name


def _spell_value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0")
