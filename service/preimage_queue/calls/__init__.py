"""The operations of the queue, as pure functions from arguments to calls.

`producing` is what a frontend does for its users, `working` what a worker does with its jobs,
`tending` what keeps the whole in order.
"""
