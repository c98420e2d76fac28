"""What frontends know of defences is what workers know."""

from dataclasses import MISSING, fields

import pytest

from preimage_orders.defences import STAGES, DefenceFault, Setting, read_chain, usage
from preimage_worker.inversion.defences import grammar
from preimage_worker.inversion.errors import InversionError

SETTINGS = [
    (name, setting, known)
    for name, words in STAGES.items()
    for setting, known in words.settings.items()
]
EXAMPLES = {
    "gaussian:rel_rms=0.3": "gaussian:rel_rms=0.3",
    " clip : rel_norm = 1 + gaussian:rel_rms=1e+3 ": "clip:rel_norm=1+gaussian:rel_rms=1000",
    "drop_positions:seed=3,fraction=0.5": "drop_positions:fraction=0.5,seed=3",
    "drop_channels:fraction=0.5,seed=0": "drop_channels:fraction=0.5",
    "projection:dimensions=8,keyed=yes": "projection:dimensions=8,keyed=true",
    "pca:variance=0.95": "pca:variance=0.95",
    "pca:components=16+sign": "pca:components=16+sign",
    "normalise+quantise:bits=4": "normalise+quantise:bits=4",
    "none": "none",
}


def test_both_know_the_same_stages_with_the_same_settings() -> None:
    assert list(STAGES) == list(grammar.STAGES)
    for name, kind in grammar.STAGES.items():
        own = list(fields(kind))
        assert list(STAGES[name].settings) == [each.name for each in own]
        for each in own:
            known = STAGES[name].settings[each.name]
            assert known.required == (each.default is MISSING)
            if each.default is not MISSING:
                assert known.default == each.default
    assert [usage(name) for name in STAGES] == list(grammar.usage())


@pytest.mark.parametrize(("text", "spelt"), EXAMPLES.items())
def test_both_read_the_same_and_spell_it_alike(text: str, spelt: str) -> None:
    (chain,) = grammar.parse(text)
    assert read_chain(text) == grammar.spell(chain) == spelt


def _with(name: str, setting: str, value: object) -> str:
    """A stage with this value, and values within reach for what else it needs."""
    given = {
        other: known.most
        for other, known in STAGES[name].settings.items()
        if known.required and other != setting
    }
    return f"{name}:" + ",".join(f"{k}={v}" for k, v in {**given, setting: value}.items())


def _beyond(known: Setting) -> list[float]:
    if known.kind is int:
        return [int(known.least) - 1, int(known.most) + 1]
    return [known.least - 1e-3, known.most * (1 + 1e-3), float("nan"), float("inf")]


@pytest.mark.parametrize(("name", "setting", "known"), SETTINGS)
def test_both_take_the_same_range(name: str, setting: str, known: Setting) -> None:
    if known.kind is bool:
        inside: list[object] = ["true", "false"]
        beyond: list[object] = ["maybe", "1"]
    else:
        inside = [known.kind(known.least), known.kind(known.most)]
        beyond = [*_beyond(known), "much"]
    for value in inside:
        text = _with(name, setting, value)
        assert read_chain(text) == grammar.spell(grammar.parse(text)[0])
    for value in beyond:
        text = _with(name, setting, value)
        with pytest.raises(DefenceFault):
            read_chain(text)
        with pytest.raises(InversionError):
            grammar.parse(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("gausian:rel_rms=1", "did you mean 'gaussian'"),
        ("xyz", "there are gaussian, laplace"),
        ("", "names no stage ''"),
        ("gaussian", "lacks gaussian:rel_rms; write gaussian:rel_rms=NUMBER"),
        ("gaussian:", "ends a stage with a colon"),
        ("gaussian:0.3", "for a setting; write gaussian:rel_rms=NUMBER"),
        ("gaussian:rel_rms=0.1,0.3", "several defences: write one each"),
        ("gaussian:rel_rms=1,rel_rms=2", "twice"),
        ("gaussian:rms=1", "did you mean 'rel_rms'"),
        ("sign:k=1", "it has none"),
        ("quantise:bits=2.5", "not a whole number"),
        ("quantise:bits=17", "must be 1 to 16"),
        ("pca", "pca:components=… or pca:variance=…"),
        ("pca:components=3,variance=0.5", "takes one of them"),
        ("none+sign", "names no stage 'none'"),
    ],
)
def test_what_is_no_chain_is_told_with_what_would_be(text: str, word: str) -> None:
    with pytest.raises(DefenceFault) as caught:
        read_chain(text)
    assert word in str(caught.value)
