"""How a message gets from one actor to another.

An envelope holds a frame: a msgpack header that ``wire`` writes by the plans of ``codec``, and
the blobs that cross beside it. A ``Port`` is one living actor's end of the network: its mailbox,
its open calls and its streams. What arrives is a ``Delivery``, checked before anybody sees it.
Nothing here knows who runs an actor, or what kind of network carries the envelopes.
"""
