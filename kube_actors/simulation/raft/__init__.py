"""Tier 1: a Raft group on one plain heap of events, without an event loop.

``RaftWorld`` drives members, clients, links and disks from one seed; ``judges`` say what must
hold after every step, ``faults`` what goes wrong, ``budget`` how much may be destroyed. It knows
nothing of the cluster world.
"""

__all__ = []
