"""Models of the catalogue, as judges of an audit."""

from preimage_worker.auditor.subject import independent
from tests.worker import jobs


def test_a_judge_of_any_size_sees_pictures_as_they_are_and_any_other_at_its_own() -> None:
    models = jobs.models()
    found = independent(models, "hog", "hog", (24, 40))
    assert (found.height, found.width) == (24, 40)
    found = independent(models, "tiny", "features.3", (24, 40))
    assert (found.height, found.width) == (jobs.SIDE, jobs.SIDE)
