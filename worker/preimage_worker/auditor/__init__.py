"""Auditors: processes that carry out audits, and let workers do the inversions.

An audit is a job of the pool "audit". An auditor claims it as workers claim theirs, computes codes,
defences and figures by itself, and puts the inversions into the queue as jobs of the same tenant,
where whoever serves the model takes them.

    __main__    wiring, from settings to the loop
    loop        claims one audit after the other
    hold        the lease of an audit: beats, progress, and why it has to stop
    auditing    one audit, from its pictures to its report
    request     the wire's specification as a plan
    subject     models of the catalogue as the audit sees them
    cells       finished cells in the job's checkpoint
    inverting   attempts as jobs of the queue
    ordering    an attempt as a job: what goes in
    finding     what came out
"""
