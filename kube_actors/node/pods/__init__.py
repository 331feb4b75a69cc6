"""The pods of one node: what is known of each, what is done next, and what is reported.

``lifecycle``, ``assessment`` and ``status`` decide, purely, on an ``Observation``; the worker
carries it out for one pod at a time. A kubelet lends them what they use of it and no more.
"""
