"""Defences as words of the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preimage_worker.inversion.defences.bases import Pca, Projection
from preimage_worker.inversion.defences.chain import Chain
from preimage_worker.inversion.defences.coarsenings import Prune, Quantise, Sign, TopK
from preimage_worker.inversion.defences.grammar import STAGES, parse, spell, usage
from preimage_worker.inversion.defences.noises import Gaussian, Laplace
from preimage_worker.inversion.defences.scalings import Clip, Normalise
from preimage_worker.inversion.defences.thinning import DropChannels, DropPositions, Pool
from preimage_worker.inversion.errors import DefenceError, InversionError

FRACTIONS = st.floats(1e-5, 0.99)
STAGE = st.one_of(
    st.builds(Gaussian, FRACTIONS),
    st.builds(Laplace, st.floats(1e-5, 1e6)),
    st.builds(Clip, FRACTIONS),
    st.builds(Normalise),
    st.builds(Quantise, st.integers(1, 16)),
    st.builds(Sign),
    st.builds(TopK, FRACTIONS),
    st.builds(Prune, FRACTIONS),
    st.builds(Pca, components=st.integers(1, 1_000_000)),
    st.builds(Pca, variance=FRACTIONS),
    st.builds(Projection, st.integers(1, 1_000_000), st.booleans()),
    st.builds(Pool, st.integers(2, 4096)),
    st.builds(DropPositions, FRACTIONS, st.integers(0, 2**63 - 1)),
    st.builds(DropChannels, FRACTIONS, st.integers(0, 2**63 - 1)),
)
CHAINS = st.builds(Chain, st.lists(STAGE, max_size=4).map(tuple))


@given(CHAINS)
def test_what_is_spelt_is_parsed_to_the_same_defence(chain: Chain) -> None:
    assert parse(spell(chain)) == (chain,)


@given(st.text("gaussian:rel_ms=0.1,+ topk", max_size=40))
def test_any_text_is_either_refused_or_names_defences_that_can_be_spelt(text: str) -> None:
    try:
        chains = parse(text)
    except InversionError:
        return
    assert all(parse(spell(chain)) == (chain,) for chain in chains)


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("none", ()),
        (" none ", ()),
        ("gaussian:rel_rms=0.1", (Gaussian(0.1),)),
        ("gaussian:rel_rms=1e+1+sign", (Gaussian(10.0), Sign())),
        ("clip:rel_norm=1+gaussian:rel_rms=0.3", (Clip(1.0), Gaussian(0.3))),
        (" clip : rel_norm = 1 + sign ", (Clip(1.0), Sign())),
        ("projection:dimensions=64,keyed=yes", (Projection(64, keyed=True),)),
        ("pca:variance=0.95", (Pca(variance=0.95),)),
        ("drop_channels:seed=3,fraction=0.5", (DropChannels(0.5, 3),)),
    ],
)
def test_a_chain_is_its_stages_in_order(text: str, stages: tuple[object, ...]) -> None:
    (chain,) = parse(text)
    assert chain.stages == stages


def test_several_values_are_several_defences() -> None:
    chains = parse("gaussian:rel_rms=0.1,0.3,1")
    assert [spell(chain) for chain in chains] == [
        *("gaussian:rel_rms=0.1", "gaussian:rel_rms=0.3", "gaussian:rel_rms=1")
    ]
    both = parse("drop_channels:fraction=0.2,0.5,seed=1,2+quantise:bits=4,8")
    assert len(set(both)) == len(both) == 8
    assert spell(both[1]) == "drop_channels:fraction=0.2,seed=1+quantise:bits=8"


def test_the_same_defence_has_one_spelling() -> None:
    (chain,) = parse(" projection:keyed=no,dimensions=064 + clip:rel_norm=1.00")
    assert spell(chain) == "projection:dimensions=64+clip:rel_norm=1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gausian:rel_rms=1", r"no stage 'gausian' \(did you mean 'gaussian'\?\); use gaussian, "),
        ("", "no stage ''; use gaussian"),
        ("sign+", "no stage ''"),
        ("none+sign", "no stage 'none'; use .*, or none alone"),
        ("xyz", "no stage 'xyz'; use"),
        ("gaussian", r"'gaussian' lacks 'rel_rms'; write gaussian:rel_rms=NUMBER"),
        ("gaussian:", "ends with a colon; write gaussian:rel_rms=NUMBER"),
        ("gaussian:0.1", "'0.1' is no setting; write gaussian:rel_rms=NUMBER"),
        ("gaussian:rms=1", r"no setting 'rms' \(did you mean 'rel_rms'\?\); it has rel_rms"),
        ("sign:bits=1", "sign has no setting 'bits'; it has none"),
        ("topk:fraction=0.1,fraction=0.2", "'fraction' twice; .*write fraction=FIRST,SECOND"),
        ("quantise:bits=4.5", "quantise:bits is '4.5', which is not a whole number"),
        ("topk:fraction=10%", "topk:fraction is '10%', which is not a number"),
        ("projection:dimensions=4,keyed=maybe", "is 'maybe', which is not true or false"),
        ("pca", "pca takes either components or variance"),
        ("pca:components=4,variance=0.5", "pca takes either components or variance"),
        ("+".join(["quantise:bits=1,2,3,4"] * 6), "names 4096 defences; use at most 1000"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(DefenceError, match=words):
        parse(text)


def test_every_stage_says_how_it_is_written() -> None:
    assert len(usage()) == len(STAGES) == 13
    assert "projection:dimensions=INTEGER,[keyed=true|false]" in usage()
    assert "sign" in usage()
