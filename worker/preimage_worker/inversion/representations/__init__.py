"""Representations that can be inverted: nodes of networks, HOG and HOGb."""
