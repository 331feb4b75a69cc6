"""Who belongs to the group, and what its members know about each other.

Changes of membership, greetings and addresses, the watch over the leader's process, comparing
hashes, and coming back under a new number after a disk was lost. Each is given its ``Replica`` and
the parts that it uses, never the member: nothing here knows ``store.member``.
"""

from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.corruption import CorruptionCheck, answer_hash
from kube_actors.store.group.greetings import Greetings
from kube_actors.store.group.leader_watch import LeaderWatch, WatchLeader
from kube_actors.store.group.membership import Change, Membership, Relayed
from kube_actors.store.group.peers import Greeted, Greeting, Peers
from kube_actors.store.group.rebuild import CannotRebuild, assume_identity, seek_promotion
from kube_actors.store.group.replica import Replica
from kube_actors.store.group.status import describe_member

__all__ = [
    "AddressBook",
    "CannotRebuild",
    "Change",
    "CorruptionCheck",
    "Greeted",
    "Greeting",
    "Greetings",
    "LeaderWatch",
    "Membership",
    "Peers",
    "Relayed",
    "Replica",
    "WatchLeader",
    "answer_hash",
    "assume_identity",
    "describe_member",
    "seek_promotion",
]
