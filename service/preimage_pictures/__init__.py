"""Encoded pictures from strangers, decoded where they can do no harm.

Decoders are large, written in C, and made to believe what a file says. A few kilobytes can ask one
for gigabytes or for hours. So frontends and workers decode in child processes: the kernel bounds
their memory and their processor time, and a child that dies takes nothing along.

    Decoder ──pipe──▶ child ──▶ reading ──▶ Pillow

Nothing here knows the wire, the queue or torch.
"""

from preimage_pictures.decoder import Decoder
from preimage_pictures.errors import ChildError, Fault, PictureError
from preimage_pictures.values import Bounds, Decoded

__all__ = ["Bounds", "ChildError", "Decoded", "Decoder", "Fault", "PictureError"]
