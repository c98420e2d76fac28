"""The gRPC frontend of `preimage`: translates, admits, enqueues and streams."""
