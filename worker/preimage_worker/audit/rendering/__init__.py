"""A report as documents: report.json, report.md, report.csv and report.html.

documents = render(report)
for name, content in documents.files().items():
    (folder / name).write_bytes(content)

The order of things is that of a reader in a hurry: who is defended against, what was found, what
each defence buys; only then the figures. No document says more than the verdicts do.
"""

from preimage_worker.audit.rendering.documents import Documents, read, render
from preimage_worker.audit.rendering.gallery import Gallery, Kept, PicturesMode, keep

__all__ = ["Documents", "Gallery", "Kept", "PicturesMode", "keep", "read", "render"]
