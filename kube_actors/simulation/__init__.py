"""What makes a run repeatable: virtual time, and Raft groups driven from one seed.

``virtual_time`` gives asyncio and trio a clock that jumps to the next timer. ``raft_world`` drives
a group of members from one plain heap of events, without an event loop; ``raft_weather`` is what
its network and disks do to it, ``raft_invariants`` what must hold after every step. Whole clusters
are simulated by ``Cluster(seed=…)`` on virtual time.
"""
