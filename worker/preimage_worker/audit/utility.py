"""What the receiver can still do with codes under a defence, on pictures outside any fit.

The targets are: defences are fitted to auxiliary pictures. A fitted defence flatters itself on its
own pictures: PCA of 256 components kept 0.86 of the top-1 classes there, and 0.21 on others.
"""

import numpy as np

from preimage_worker.audit.material import Codes, classes
from preimage_worker.audit.measures import distances, intervals
from preimage_worker.audit.measures.distances import Rows
from preimage_worker.audit.measures.pictures import Floats
from preimage_worker.audit.measures.recovery import Missing
from preimage_worker.audit.plan import AuditPlan
from preimage_worker.audit.records import Utility
from preimage_worker.audit.releases import Released
from preimage_worker.audit.unaided import numbers

_MOST_NEIGHBOURS = 5
_FEWEST = 3


def utility(plan: AuditPlan, codes: Codes, released: Released) -> Utility | Missing:
    """Agreement of the rest of the network, or where it has none recall of nearest neighbours."""
    rest, one = plan.subject.rest(codes.layer), released.targets[:, 0]
    if rest is not None:
        lifted = released.fitted.lift(one).to(plan.device)
        same = classes(rest, lifted) == classes(rest, codes.targets.to(plan.device))
        words = "The rest of the network sees the same class as in the clean code"
        return Utility(words, intervals.rate(same), None)
    if codes.count < _FEWEST:
        return Missing(
            f"The network behind the layer gives no classes, and {codes.count} pictures are too "
            "few to look for neighbours among."
        )
    neighbours = min(_MOST_NEIGHBOURS, (codes.count - 1) // 2)
    kept = recall(numbers(codes.targets), numbers(one), neighbours)
    value = intervals.bootstrap(kept, lambda rates: rates.mean(-1), seed=plan.seed)
    words = f"The {neighbours} nearest of the other targets are those of the clean codes"
    return Utility(words, value, neighbours / (codes.count - 1))


def recall(clean: Rows, released: Rows, neighbours: int) -> Floats:
    """Recall@k, `(n,)`: the share of each code's nearest others that stay its nearest."""
    before, after = (_nearest(rows, neighbours) for rows in (clean, released))
    pairs = zip(before, after, strict=True)
    return np.array([len(np.intersect1d(one, other)) / neighbours for one, other in pairs])


def _nearest(rows: Rows, neighbours: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    apart = distances.squared(rows, rows)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(np.argsort(apart, axis=1, kind="stable")[:, :neighbours], np.int64)
