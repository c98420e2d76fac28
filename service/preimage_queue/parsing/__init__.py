"""From raw answers of the scripts to the values that callers get, a module for each of `calls`."""
