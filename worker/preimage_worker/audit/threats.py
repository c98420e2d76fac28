"""The threat model that opens a report."""

from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import ThreatModel

A5 = (
    "A5, a decoder trained on many pictures or a generative prior, is not built: an attacker with "
    "more pictures and more computing may recover more than any rung here."
)
_MORE = (
    "Attackers who know more about a picture than its code (who is on it, when it was taken), and "
    "codes of several layers of the same picture, are not tried."
)


def threat_model(plan: AuditPlan) -> ThreatModel:
    """Of a plan."""
    profile, others = plan.effort, len(plan.auxiliary)
    keyed = any(chain.keyed for chain in plan.defences)
    return ThreatModel(
        asset=f"{len(plan.targets)} pictures, of which codes of {plan.subject.name} are shared.",
        knowledge=(
            "The receiver has the codes under the defence"
            + (f", {plan.releases} releases of each." if plan.releases > 1 else "."),
            "It has the model with its weights (white box), knows the layer, the picture size and "
            "the defence with all that it was fitted to" + (", but not its key." if keyed else "."),
            f"It has {others} other pictures of the same kind, and none of the owner's.",
            "For linkage it has a list of candidates with the right picture among them.",
        ),
        goals=(
            "Embedding inversion: a picture that shows what the owner's picture shows.",
            "Linkage: telling which of known pictures a code is of.",
        ),
        budget=(
            f'The profile "{profile.title}". Strengths of the priors: {len(profile.prior_factors)};'
            f" restarts of each: {profile.restarts}; steps: {profile.steps}; doublings, while they"
            f" help: at most {profile.doublings}."
        ),
        not_tried=(A5, _MORE),
    )
