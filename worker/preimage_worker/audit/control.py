"""The known-answer control: the same attack where it must succeed."""

from dataclasses import replace

from preimage_worker.audit.aims import aims, wanted
from preimage_worker.audit.inverted import quarry
from preimage_worker.audit.inverter import Inverter
from preimage_worker.audit.material import Material, codes
from preimage_worker.audit.measures import recovery
from preimage_worker.audit.measures.health import known_answer
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.summary import Summary, summarise
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import Control
from preimage_worker.audit.releases import release
from preimage_worker.audit.search import search
from preimage_worker.inversion.defences.chain import Chain


def control(plan: AuditPlan, inverter: Inverter) -> Control | None:
    """Attacks some targets' undefended codes of the shallowest layer until that has succeeded.

    None where the plan asks for no inversion.
    """
    if not wanted(plan, Chain()):
        return None
    few = replace(plan, targets=plan.targets[: plan.profile.control_pictures], releases=1)
    material = Material(few)
    shallow = codes(few, plan.control_layer)
    released = release(few, shallow, Chain())
    attackers = aims(few, released)

    def summary(fve: Floats) -> Summary:
        return summarise(fve, seed=plan.seed)

    found = search(
        few,
        quarry(material, shallow, released, attackers),
        inverter,
        lambda fve: known_answer(summary(fve)).healthy,
    )
    fve = summary(recovery.fve(found.best.mse, material.mean_picture_mse))
    return Control(
        layer=plan.control_layer,
        pictures=material.count,
        fve=fve,
        psnr_db=summarise(found.best.psnr_db, seed=plan.seed),
        plateau=found.plateau,
        complaints=known_answer(fve).complaints,
    )
