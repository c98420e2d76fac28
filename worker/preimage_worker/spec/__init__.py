"""From a wire specification to what the engine runs: the only package that knows both sides.

`plan` resolves everything a job leaves open (preset, input size, target, mask, settings) into a
`Plan`; whatever is impossible ends in InvalidSpecError with one sentence, and so in that job's own
error.

    inputs      the picture or the code that was sent, and the size that is looked for
    targets     Φ₀ and m of every layer, by the objective
    units       a unit of a layer as a direction; how strongly the layer answers to noise
    choices     the wire's numbers and names as the engine's
    defences    a defence that the target stands behind, and bounds of a code
    planning    all of it together
"""

from preimage_worker.spec.choices import PRECISIONS, settings_map
from preimage_worker.spec.defences import defence_key
from preimage_worker.spec.inputs import Blobs, encode, missing_input, picture_of, sent_picture
from preimage_worker.spec.planning import BatchKey, Plan, layers_of, plan

__all__ = [
    "PRECISIONS",
    "BatchKey",
    "Blobs",
    "Plan",
    "defence_key",
    "encode",
    "layers_of",
    "missing_input",
    "picture_of",
    "plan",
    "sent_picture",
    "settings_map",
]
