"""Representations that can be inverted: nodes of networks, HOG, HOGb and dense SIFT."""
