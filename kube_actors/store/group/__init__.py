"""Who belongs to the group, and what its members know about each other.

Changes of membership, greetings and addresses, the watch over the leader's process, comparing
hashes, and coming back under a new number after a disk was lost. Each is given what it uses of
its member, never the member.
"""

from kube_actors.store.group.corruption import CorruptionCheck, answer_hash
from kube_actors.store.group.greetings import Acquaintance
from kube_actors.store.group.leader_watch import LeaderVigil, Vigil
from kube_actors.store.group.membership import Change, Membership, Relayed
from kube_actors.store.group.peers import Greeted, Greeting
from kube_actors.store.group.rebuild import CannotRebuild, assume_identity, seek_promotion

__all__ = [
    "Acquaintance",
    "CannotRebuild",
    "Change",
    "CorruptionCheck",
    "Greeted",
    "Greeting",
    "LeaderVigil",
    "Membership",
    "Relayed",
    "Vigil",
    "answer_hash",
    "assume_identity",
    "seek_promotion",
]
