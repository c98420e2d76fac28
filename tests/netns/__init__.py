"""A service on hosts of its own: network namespaces on a bridge, whose cables are pulled in turn.

    client ─┐           ┌─ redis
            ├─ bridge ──┼─ frontend
                        └─ worker-0, worker-1

The processes share nothing but the network, and Redis asks for a password. What a storm's proxies
cannot do happens here: packets vanish while both ends believe in their connection, in both
directions or in one. `python -m tests.netns` runs it, in a namespace that `unshare --net` has made.
"""
