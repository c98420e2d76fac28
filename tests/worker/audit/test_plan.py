"""Plans that cannot be carried out are refused, and say why."""

import numpy as np
import pytest

from preimage_worker.audit.errors import OverlapError, PlanError
from preimage_worker.audit.plan import check
from preimage_worker.audit.subject import Independent
from preimage_worker.inversion.defences.grammar import parse
from preimage_worker.inversion.errors import InversionError
from preimage_worker.inversion.representations.hog import hogb
from tests.worker.audit import subjects

PICTURES = subjects.levels(14)


def test_a_plan_that_can_be_carried_out_is_accepted() -> None:
    check(subjects.plan())


def test_targets_among_the_auxiliary_pictures_are_refused_and_named() -> None:
    copied = np.concatenate((PICTURES[6:], PICTURES[2:3]))
    with pytest.raises(OverlapError, match=r"1 of 6 targets .*target 3 and auxiliary picture 9"):
        check(subjects.plan(auxiliary=copied))


def test_a_target_that_was_only_made_brighter_is_refused_too() -> None:
    brighter = np.clip(PICTURES[2:3].astype(int) + 9, 0, 255).astype(np.uint8)
    with pytest.raises(OverlapError, match="nearly the same picture"):
        check(subjects.plan(auxiliary=np.concatenate((PICTURES[6:], brighter))))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"targets": PICTURES[:0]}, "The targets are uint8 of shape"),
        ({"targets": PICTURES[:6] / 255}, "The targets are float64"),
        ({"auxiliary": PICTURES[6:7]}, "There is 1 of the auxiliary; send at least 2"),
        ({"auxiliary": PICTURES[6:, :20]}, "bring both to the model's own size"),
        ({"layers": ()}, "The layers are none"),
        ({"layers": ("2", "2")}, "The layers are 2, 2; name one or more, each once"),
        ({"defences": parse("sign") * 2}, "The defences are sign, sign"),
        ({"preset": "best"}, "no preset 'best'"),
        ({"rungs": frozenset({"A5"})}, "no rung 'A5'"),
        ({"releases": 0}, "0 releases"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        check(subjects.plan(**change))


@pytest.mark.parametrize("change", [{"layers": ("9",)}, {"control_layer": "9"}])
def test_a_layer_that_is_not_there_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InversionError, match="no node '9'"):
        check(subjects.plan(**change))


def test_grey_pictures_for_a_model_of_three_channels_are_refused() -> None:
    grey = {"targets": PICTURES[:6, :, :, :1], "auxiliary": PICTURES[6:, :, :, :1]}
    with pytest.raises(PlanError, match="takes pictures of 3 channels, and these have 1"):
        check(subjects.plan(**grey))


def test_a_judge_of_other_pictures_is_refused_before_it_is_asked() -> None:
    grey = Independent("grey", "digest of grey", hogb(), subjects.SIDE, subjects.SIDE)
    with pytest.raises(PlanError, match="grey takes pictures of 1 channels, and these have 3"):
        check(subjects.plan(independent=grey))
    blind = Independent("small", "digest of small", subjects.small().representation("2"), 0, 0)
    with pytest.raises(InversionError):
        check(subjects.plan(independent=blind))
