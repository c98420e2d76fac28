"""What codes of pictures give away: attacks on the owner's own pictures, and their measure.

An audit takes a plan (a model, layers, defences, pictures), computes the codes itself, releases
them under each defence, and climbs a ladder of attackers from those who know nothing to one who
inverts layer and defence together. What they reach is measured against the originals and judged.
It knows models and mathematics; who asks for it, and where inversions run, is handed in.

    run                 the whole audit: control, rows, report; cells that can be kept
    plan, profiles      what is audited, and how hard to try; refusals
    subject             what is needed of models
    work                how much a plan asks for
    row                 the ladder of one layer under one defence, up to its verdict
    material, releases  pictures and codes; what the receiver gets of them under a defence
    unaided             B0, B1, L1 and A1, which invert nothing
    inverted, control   A2 to A4; the same attack where it must succeed
    search, sweep       budgets that are doubled; all attempts of one budget
    aims                what attackers take released codes for
    inverter            an attempt as a value, and the protocol of what carries them out
    in_process          the same as lanes of this process
    appraisal           what reconstructions show
    promises, utility   what noise guarantees, and what the receiver can still do
    threats, records    the threat model; everything that is reported, as plain values
    plain               records as JSON, and back
    measures            all figures, of arrays alone
"""
