"""Objectives of the wire: which target, weights and start they come to, and how they end."""

import math

import pytest
import torch

from preimage.v1 import spec_pb2, tensor_pb2, work_pb2
from preimage_worker import pictures, spec
from preimage_worker.engine import Engine
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.outcome import Outcome
from preimage_worker.inversion.settings import Basis, Coordinates, Family, Loss
from preimage_worker.inversion.walk import FACTORS
from preimage_worker.jobs import Inverted
from preimage_worker.models import Models
from preimage_worker.results.inverted import inverted
from preimage_worker.results.provenance import Surroundings
from tests.worker import jobs

CPU = torch.device("cpu")
LIMITS = pictures.Limits(sent=30_000, sought=10_000)
Shape = tuple[int, ...]


@pytest.fixture(scope="module")
def models() -> Models:
    return jobs.models()


def plan_of(
    models: Models, item: work_pb2.WorkItem, blobs: dict[str, bytes] | None = None
) -> spec.Plan:
    wanted = item.invert.representation
    blobs = {"picture": jobs.picture()} | (blobs or {})
    return spec.plan(
        item,
        blobs,
        models.served(wanted.model).announcement,
        models.representation(wanted.model, spec.layers_of(wanted)),
        sent=spec.sent_picture(item, blobs, LIMITS),
        limits=LIMITS,
        device=CPU,
    )


def objective(kind: str, **fields: object) -> spec_pb2.Objective:
    value = spec_pb2.ObjectiveKind.Value(f"OBJECTIVE_KIND_{kind}")
    return spec_pb2.Objective(kind=value, **fields)  # type: ignore[arg-type]


def raising(**unit: int) -> work_pb2.WorkItem:
    """A job that maximises a unit."""
    item = jobs.inversion(objective=objective("MAXIMISE"), optimiser=jobs.steps(12))
    item.encoded_picture_digest = ""
    item.invert.target.unit.MergeFrom(spec_pb2.Unit(**unit))
    return item


def uploaded(tensor: torch.Tensor, digest: str) -> tensor_pb2.TensorReference:
    return tensor_pb2.TensorReference(
        digest=digest, dtype=tensor_pb2.DATA_TYPE_FLOAT32, shape=tensor.shape
    )


def data(tensor: torch.Tensor) -> bytes:
    return tensor.float().numpy().tobytes()


def test_a_cosine_job_has_its_own_loss_and_batch(models: Models) -> None:
    plain = plan_of(models, jobs.inversion())
    cosine = plan_of(models, jobs.inversion(objective=objective("COSINE")))
    assert cosine.settings.loss is cosine.key.loss is Loss.COSINE
    assert cosine.key != plain.key
    assert torch.equal(cosine.problems[0].target, plain.problems[0].target)


def test_a_variance_becomes_weights_of_one_over_the_deviation(models: Models) -> None:
    code = plan_of(models, jobs.inversion()).problems[0].target
    variance = torch.rand(code.shape, generator=torch.Generator().manual_seed(0)) + 0.1
    asked = objective("MAHALANOBIS", uploaded_variance=uploaded(variance, "v"))
    plan = plan_of(models, jobs.inversion(objective=asked), {"v": data(variance)})
    mask = plan.problems[0].mask
    assert mask is not None
    assert plan.settings.loss is Loss.SQUARED
    assert torch.allclose(mask * variance.sqrt(), (mask * variance.sqrt()).flatten()[0])
    assert float(mask.square().mean()) == pytest.approx(1)


def test_a_tiny_variance_stays_within_float32(models: Models) -> None:
    code = plan_of(models, jobs.inversion()).problems[0].target
    variance = torch.full_like(code, 1e-30)
    asked = objective("MAHALANOBIS", uploaded_variance=uploaded(variance, "v"))
    plan = plan_of(models, jobs.inversion(objective=asked), {"v": data(variance)})
    assert plan.target_norm == pytest.approx(float(code.norm()), rel=1e-4)


def test_several_layers_become_one_code_in_which_each_weighs_what_it_shall(
    models: Models,
) -> None:
    item = jobs.inversion("features.3")
    item.invert.representation.layer_weight = 3
    item.invert.representation.further_layers.add(layer="features.7", weight=1).mask.channels.add(
        begin=0, end=10
    )
    plan = plan_of(models, item)
    first, second = (
        plan_of(models, jobs.inversion(layer)).problems[0].target
        for layer in ("features.3", "features.7")
    )
    (problem,) = plan.problems
    mask = problem.mask
    assert mask is not None
    assert plan.key.layer == "features.3+features.7"
    assert torch.allclose(problem.target, torch.cat((first.flatten(), second.flatten())))
    assert plan.target_norm == pytest.approx(1, rel=1e-4)
    weighed = (mask * problem.target).square()
    assert float(weighed[: first.numel()].sum()) == pytest.approx(0.75, rel=1e-4)
    assert (mask[first.numel() :].reshape(second.shape)[10:] == 0).all()


def test_a_bare_code_of_several_layers_gives_the_same_problem_as_the_picture(
    models: Models,
) -> None:
    codes = [
        plan_of(models, jobs.inversion(layer)).problems[0].target
        for layer in ("features.3", "features.7")
    ]
    item = jobs.inversion("features.3")
    item.invert.representation.further_layers.add(layer="features.7")
    computed = plan_of(models, item)
    item.encoded_picture_digest = ""
    item.invert.target.uploaded_features.CopyFrom(uploaded(codes[0], "a"))
    with pytest.raises(InvalidSpecError, match=r"'features\.7' comes without a code"):
        plan_of(models, item, {"a": data(codes[0])})
    item.invert.representation.further_layers[0].uploaded_features.CopyFrom(uploaded(codes[1], "b"))
    sent = plan_of(models, item, {"a": data(codes[0]), "b": data(codes[1])})
    assert torch.allclose(sent.problems[0].target, computed.problems[0].target, atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "elements"), [({"channel": 2}, 36), ({"channel": 2, "row": 1, "column": 3}, 1)]
)
def test_a_unit_is_the_direction_of_its_mean(
    models: Models, unit: dict[str, int], elements: int
) -> None:
    problem = plan_of(models, raising(**unit)).problems[0]
    chosen = problem.target[2]
    assert int((problem.target != 0).sum()) == int((chosen != 0).sum()) == elements
    assert float(chosen.sum()) == pytest.approx(1)


def test_the_scale_of_an_activation_is_the_jobs_or_the_layers_own_on_natural_noise(
    models: Models,
) -> None:
    item = raising(channel=2)
    measured = plan_of(models, item)
    (problem,) = measured.problems
    assert measured.preset == "mv2016"
    assert measured.settings.steps == 12
    assert problem.scale is not None
    assert problem.scale > 0
    item.invert.seed = 1
    assert plan_of(models, item).problems[0].scale == problem.scale
    item.invert.objective.activation_scale = 2.5
    assert plan_of(models, item).problems[0].scale == 2.5


def test_a_direction_may_be_any_code(models: Models) -> None:
    code = torch.randn(128, 6, 6, generator=torch.Generator().manual_seed(0))
    item = jobs.inversion(objective=objective("MAXIMISE"))
    item.encoded_picture_digest = ""
    item.invert.target.uploaded_features.CopyFrom(uploaded(code, "d"))
    (problem,) = plan_of(models, item, {"d": data(code)}).problems
    assert torch.equal(problem.target, code)
    assert problem.settings.loss is Loss.INNER


def test_a_caricature_has_the_rectified_code_and_starts_from_the_picture(models: Models) -> None:
    plan = plan_of(models, jobs.inversion("features.0", objective=objective("CARICATURE")))
    (problem,) = plan.problems
    assert (problem.target >= 0).all()
    assert problem.start is not None
    assert problem.start.shape == (3, jobs.SIDE, jobs.SIDE)
    assert problem.scale is None
    assert plan.settings.data_weight == 10


def test_forms_bounds_factors_and_coordinates_reach_the_settings(models: Models) -> None:
    item = jobs.inversion(
        priors=spec_pb2.Priors(
            alpha_norm=spec_pb2.AlphaNormPrior(form=spec_pb2.ALPHA_NORM_FORM_PER_CHANNEL),
            bound=0,
            factor=0.25,
        ),
        optimiser=jobs.steps(
            9,
            preset="mv2016",
            parametrisation=spec_pb2.PARAMETRISATION_DCT,
            decorrelate_colour=True,
        ),
    )
    plan = plan_of(models, item)
    assert not plan.settings.alpha_norm.isotropic
    assert plan.settings.bound == math.inf
    assert plan.settings.alpha_norm.weight == plan.settings.total_variation.weight == 0.25
    assert plan.key.coordinates == Coordinates(Basis.DCT, decorrelated=True)
    numbers = spec.settings_map(plan.settings)
    assert numbers["coordinates.decorrelated"] == 1
    assert numbers["alpha_norm.isotropic"] == 0


def test_lucid_is_a_preset_of_activations_only(models: Models) -> None:
    item = raising(channel=0)
    item.invert.optimiser.preset = "lucid"
    assert plan_of(models, item).key.family is Family.ADAM
    with pytest.raises(InvalidSpecError, match="'lucid' for codes; use one of"):
        plan_of(models, jobs.inversion(optimiser=jobs.steps(9, preset="lucid")))


def with_kind(kind: str, **fields: object) -> work_pb2.WorkItem:
    item = jobs.inversion(**fields)  # type: ignore[arg-type]
    item.invert.objective.CopyFrom(objective(kind))
    return item


def with_unit(kind: str, **unit: int) -> work_pb2.WorkItem:
    item = raising(**unit)
    item.invert.objective.CopyFrom(objective(kind))
    return item


def with_layers(kind: str) -> work_pb2.WorkItem:
    item = with_kind(kind)
    item.invert.representation.further_layers.add(layer="features.7")
    return item


def hog(item: work_pb2.WorkItem) -> work_pb2.WorkItem:
    item.invert.representation.model = item.invert.representation.layer = "hog"
    return item


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (with_unit("INVERT", channel=1), "A unit is what OBJECTIVE_KIND_MAXIMISE raises"),
        (with_unit("CARICATURE", channel=1), "A unit is what"),
        (raising(channel=200), "The unit's channel 200 does not lie in 0 to 127"),
        (raising(channel=0, row=1), "a row without a column"),
        (raising(channel=0, token=1), "has no token to raise"),
        (hog(raising(channel=0)), "a unit of hog does not say of which it is"),
        (with_layers("COSINE"), "Several layers are for OBJECTIVE_KIND_INVERT"),
        (with_kind("MAHALANOBIS"), "needs a variance"),
        (
            with_kind("MAXIMISE", optimiser=jobs.steps(9, preset="mv2015")),
            "'mv2015' for activations; use one of mv2016, lucid",
        ),
        (
            with_kind("CARICATURE", stopping=spec_pb2.StoppingRule(target_error=0.1)),
            "An activation has no relative error",
        ),
        (
            hog(jobs.inversion(optimiser=jobs.steps(9, preset="mv2016", decorrelate_colour=True))),
            "pictures of 1 channels, whose colours cannot be decorrelated",
        ),
        (
            jobs.inversion(
                restarts=2,
                optimiser=jobs.steps(9, preset="auto"),
                repulsion=spec_pb2.Repulsion(error_budget=0.1),
            ),
            "use mv2016 for restarts that keep apart",
        ),
        (
            jobs.inversion(
                optimiser=jobs.steps(9, preset="mv2016"),
                priors=spec_pb2.Priors(automatic=spec_pb2.AutomaticStrength()),
            ),
            "Only the preset auto finds the strength",
        ),
    ],
)
def test_what_does_not_go_together_ends_with_one_sentence(
    models: Models, item: work_pb2.WorkItem, words: str
) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        plan_of(models, item)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("variance", "words"),
    [
        (torch.ones(2, 2), r"The variance has the shape \(2, 2\)"),
        (torch.zeros(128, 6, 6), "elements that are not above 0"),
    ],
)
def test_a_variance_must_fit(models: Models, variance: torch.Tensor, words: str) -> None:
    asked = objective("MAHALANOBIS", uploaded_variance=uploaded(variance, "v"))
    with pytest.raises(InvalidSpecError, match=words):
        plan_of(models, jobs.inversion(objective=asked), {"v": data(variance)})


def finish(models: Models, *items: work_pb2.WorkItem, blobs: dict[str, bytes]) -> list[Inverted]:
    """What the engine makes of jobs that run side by side."""
    engine = Engine(models, jobs.settings(), CPU)
    deliveries = [jobs.delivery(item, {"picture": jobs.picture()} | blobs) for item in items]
    for delivery in deliveries:
        assert engine.admit(delivery) is None
    found: dict[str, Inverted] = {}
    while engine.active:
        for settled in engine.boundary().settled:
            assert isinstance(settled, Inverted)
            found[settled.delivery.ticket.id] = settled
    return [found[delivery.ticket.id] for delivery in deliveries]


def test_an_automatic_strength_says_where_each_strength_led(models: Models) -> None:
    automatic = spec_pb2.AutomaticStrength(noise_multiple=1e-9, least_error=1e-9)
    item = jobs.inversion(
        optimiser=jobs.steps(10, preset="auto"), priors=spec_pb2.Priors(automatic=automatic)
    )
    (done,) = finish(models, item, blobs={})
    served = models.served(done.plan.key.model)
    parcel = inverted(done, served, Surroundings("w", "cpu"), 1.0)
    (found,) = parcel.result.invert.reconstructions
    curve = found.strength
    assert len(curve.factors) == len(curve.relative_errors) == curve.chosen + 1 == len(FACTORS)
    assert not curve.within
    assert curve.noise_floor > 0
    assert curve.allowed_error == pytest.approx(1e-9 * (1 + curve.noise_floor))
    assert found.steps == 5 + 7 * 2


def test_restarts_that_repel_each_other_share_what_does_it(models: Models) -> None:
    apart = spec_pb2.Repulsion(error_budget=0.2)
    item = jobs.inversion(restarts=3, optimiser=jobs.steps(9, preset="mv2016"), repulsion=apart)
    first, *others = plan_of(models, item).problems
    assert first.repulsion is not None
    assert (first.repulsion.error_budget, first.repulsion.weight) == (0.2, 1.0)
    assert all(other.repulsion is first.repulsion for other in others)


def test_every_objective_runs_to_its_end_beside_the_others(models: Models) -> None:
    variance = torch.rand(128, 6, 6) + 0.5
    several = jobs.inversion(optimiser=jobs.steps(12))
    several.invert.representation.further_layers.add(layer="features.7")
    asked = objective("MAHALANOBIS", uploaded_variance=uploaded(variance, "v"))
    fourier = jobs.steps(12, preset="mv2016", parametrisation=spec_pb2.PARAMETRISATION_FOURIER)
    items = [
        jobs.inversion(optimiser=jobs.steps(12)),
        with_kind("COSINE", optimiser=jobs.steps(12)),
        jobs.inversion(objective=asked, optimiser=jobs.steps(12)),
        several,
        raising(channel=3),
        with_kind("CARICATURE", optimiser=jobs.steps(12)),
        jobs.inversion(optimiser=fourier),
    ]
    blobs = {"v": data(variance)}
    together = finish(models, *items, blobs=blobs)
    for item, done in zip(items, together, strict=True):
        (lane,) = done.lanes
        assert lane.outcome is Outcome.STEP_LIMIT
        first, last = lane.curve[0, 0], lane.curve[-1, 0]
        assert last < first
        (alone,) = finish(models, item, blobs=blobs)
        assert (alone.lanes[0].levels == lane.levels).all()


def test_a_caricature_begins_at_about_one_and_ends_above(models: Models) -> None:
    strong = objective("CARICATURE", data_weight=300)
    item = jobs.inversion(objective=strong, optimiser=jobs.steps(20))
    (done,) = finish(models, item, blobs={})
    (lane,) = done.lanes
    assert lane.curve[0, 4] == pytest.approx(1, abs=0.2)  # of a shifted crop of the picture
    assert lane.measurement.relative_error > lane.curve[0, 4]
