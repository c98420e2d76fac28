"""The worker of `preimage`: claims jobs, inverts them in batches and settles them."""

import os

# Threads of OpenMP that wait for each other shall sleep, not spin. On a machine that others use as
# well, spinning made a step five times slower (two threads, two busy cores). It must be said before
# torch is loaded, so it is said here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
