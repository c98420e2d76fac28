"""Logs of the service's processes: one line an event, for people or as JSON, with the job's id.

Built on the standard library, because what redis-py, gRPC, torch and OpenTelemetry have to say
comes that way too. Modules log as usual; what a line is about is said around the code that writes
it:

    with concerning(job_id):
        log.warning("the lease was lost")

So a line of anybody's that is written on behalf of a job carries its id, in its own thread or task.
"""

from preimage_logging.configuring import FORMATS, LEVELS, configure, last_words
from preimage_logging.loading import end_while_loading
from preimage_logging.subject import about, concerning

__all__ = [
    "FORMATS",
    "LEVELS",
    "about",
    "concerning",
    "configure",
    "end_while_loading",
    "last_words",
]
