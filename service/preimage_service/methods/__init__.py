"""What each method does, a module for each theme. Servicers call these and do nothing else.

All are coroutines or async generators over `Backend`; all raise `ServiceError`s only, besides the
queue's own errors, which the interceptor translates.
"""
