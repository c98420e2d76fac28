"""Chaos with a history: a real stack under faults, everything recorded, the record checked.

In the manner of Jepsen: clients submit, watch and cancel while a nemesis kills processes and breaks
connections; every call and every answer goes into a history; when the storm is over the stack is
healed, its final state is read, and the checks look for a way in which the two contradict each
other. `python -m tests.chaos --help` runs it; `storm.py` says how the parts work together.
"""
