"""The privacy audit, proved on a trained network: see `__main__`."""
