"""Reference sets: how far the codes of unrelated natural pictures are apart.

An error relative to ‖Φ₀‖ says little across layers: codes of unrelated pictures can be close to
each other, relative to their norms, in one layer and far apart in another. So Mahendran & Vedaldi
(2015) divide by the mean distance between codes of natural pictures. A reference set holds that
number, its square's mean and the distribution, for each layer, so that a worker can say all of them
without the pictures. `python -m preimage_worker.reference` builds one.
"""
