"""The worker of `preimage`: claims jobs, inverts them in batches and settles them."""
