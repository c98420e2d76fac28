"""Inversion of image representations: the client of the `preimage` service."""
