"""`preimage demo`: natural pictures, inverted from several representations, on one page."""
