"""One of many leads, by a Lease; the others hold nothing but a poll of it.

What a candidate may conclude from a Lease is pure and decided on its own clock alone.
"""
