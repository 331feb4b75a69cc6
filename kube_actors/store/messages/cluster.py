"""Who belongs to the group, asked and changed: etcd's Cluster API as frozen messages.

Every answer is ``Members``, as of the change that was asked for. A change is decided by the group
like any write: any member takes it. Meanings follow etcd's
(https://etcd.io/docs/v3.5/op-guide/runtime-configuration/); a number that was once a member's is
never given to another.
"""

from kube_actors.actor import ActorError, message


@message("store.member_info")
class MemberInfo:
    """One member; ``name`` and the urls are empty until somebody has said them.

    ``address``: where the other members reach it; empty means ``store/ID``.
    """

    id: int
    name: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    learner: bool = False
    address: str = ""


@message("store.members")
class Members:
    """Everybody in the group, in the order of their numbers."""

    members: tuple[MemberInfo, ...]


@message("store.list_members")
class ListMembers:
    """Ask who belongs; linearizable unless ``serializable``."""

    serializable: bool = False


@message("store.add_member")
class AddMember:
    """Add a member under the next number that nobody ever had.

    It is the one in ``Members`` that was not there before: the one with the highest number.
    A learner gets everything and votes on nothing until it is promoted. ``address``: where it
    is reached, if not at ``store/ID``.
    """

    name: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    learner: bool = False
    address: str = ""


@message("store.remove_member")
class RemoveMember:
    """Remove a member for good; its process ends by itself when it learns of it."""

    id: int


@message("store.update_member")
class UpdateMember:
    """Say a member's name and urls anew; an empty field leaves what is there."""

    id: int
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    name: str = ""


@message("store.promote_member")
class PromoteMember:
    """Let a learner vote. Fails with ``LearnerNotReady`` while it lags behind."""

    id: int


@message("store.move_leader")
class MoveLeader:
    """Let ``target``, a voter, lead. Answered by ``MemberStatus`` once it does."""

    target: int


@message("store.member_started")
class MemberStarted:
    """A member says that it has a log now: from here on it must not appear without one.

    Proposed by members only. Answered by ``Members``.
    """

    member: int


@message("store.member_not_found")
class MemberNotFound(ActorError):
    """Nobody in the group has this number."""

    id: int

    def __str__(self) -> str:
        return f"the group has no member {self.id}"


@message("store.learner_not_ready")
class LearnerNotReady(ActorError):
    """The learner cannot vote yet; ``text`` says how far behind it is."""

    id: int
    text: str

    def __str__(self) -> str:
        return self.text


@message("store.not_leader")
class NotLeader(ActorError):
    """Only the leader can do this; ``leader`` is its number, 0 if none is known."""

    leader: int

    def __str__(self) -> str:
        return f"only the leader can do this: {self.leader or 'nobody'} leads"


@message("store.membership_refused")
class MembershipRefused(ActorError):
    """The change would endanger the group; ``text`` says how. Nothing was changed."""

    text: str
