"""What the service costs around the engine: through gRPC, Redis and the worker's two threads."""
