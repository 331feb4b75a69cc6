"""What makes a run repeatable, and what looks for the seed that breaks a promise.

``scenario`` says what can be run, ``schedule`` what goes wrong in a run, as data. Tier 1, the
``raft_…`` modules: a Raft group on one plain heap of events, without an event loop; ``raft_world``
drives it, ``raft_invariants`` says what must hold after every step, ``raft_budget`` how much may be
destroyed. Tier 2, the ``cluster_…`` modules: whole clusters on virtual time. ``campaign`` runs many
seeds in several processes, ``shrink`` makes what fails small, ``recording`` and ``report`` show it,
``linearizability`` judges what clients saw. ``kube-actors sim`` is all of it from the command line.
"""
