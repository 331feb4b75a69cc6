"""One member of the store: an actor around Raft, a disk and the replicated state.

``run_member`` is the actor. Beside it stand the parts that only it uses: who writes to the disk,
who applies what is decided, the proposals that wait, reads, leases' deadlines and snapshots on
their way. Nothing is sent or acknowledged before what it promises is on disk.
"""

from kube_actors.store.member.member import run_member

__all__ = ["run_member"]
