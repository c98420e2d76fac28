"""What `preimage doctor` looks at, each as a function that yields findings."""
