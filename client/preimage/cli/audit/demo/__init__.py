"""`preimage audit demo`: a quick audit of a small network, on pictures that anybody has."""
