"""Changes of the membership, made by the leader one at a time, each of them one log entry.

Any member takes a request and passes it to the leader, which checks it against what it alone
knows: who answers, how far a learner is. A change that the group refuses leaves no trace; one that
entered the log is answered when it is applied. Nothing is ever proposed twice, so a leader that
dies leaves the asker with ``OutcomeUnknown`` and the group with one configuration.
"""

from collections import deque
from collections.abc import Callable

import anyio
from attrs import define

from kube_actors.actor import ActorError, Delivery, Overloaded, Unreachable, message
from kube_actors.raft import (
    ChangeType,
    ConfigChange,
    DropReason,
    Entry,
    InvalidChange,
    MemberChange,
    ProposalDropped,
)
from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.peers import Peers
from kube_actors.store.group.replica import Replica
from kube_actors.store.messages import (
    AddMember,
    LearnerNotReady,
    MemberInfo,
    MemberNotFound,
    MembershipRefused,
    MemberStatus,
    MoveLeader,
    NoQuorum,
    NotLeader,
    OutcomeUnknown,
    PromoteMember,
    RemoveMember,
)
from kube_actors.store.state import RosterChange, encode_change

_REFUSALS = (LearnerNotReady, MemberNotFound, MembershipRefused, NoQuorum, OutcomeUnknown)

Change = AddMember | RemoveMember | PromoteMember | MoveLeader


@message("store.relayed")
class Relayed:
    """A change that a member passes on; answered by ``NotLeader`` rather than passed on again."""

    request: AddMember | RemoveMember | PromoteMember | MoveLeader


@define(eq=False)
class _Asked:
    request: Change
    delivery: Delivery
    relayed: bool
    tick: int


class Membership:
    """What one member does about changes; ``ended`` once it learns that it was removed.

    ``status`` describes this member, to answer who moved the leadership.
    """

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        status: Callable[[], MemberStatus],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._status = status
        self._waiting: deque[_Asked] = deque()
        self._proposed: dict[int, tuple[int, _Asked]] = {}
        self._moving: list[_Asked] = []
        self.ended = False

    def accept(self, delivery: Delivery, request: Change | Relayed) -> None:
        """Take in a request for a change."""
        replica = self._replica
        relayed = isinstance(request, Relayed)
        change = request.request if isinstance(request, Relayed) else request
        asked = _Asked(change, delivery, relayed, self._peers.ticks)
        if replica.raft.is_leader:
            self._waiting.append(asked)
        elif relayed:
            delivery.fail(NotLeader(replica.raft.leader))
        else:
            replica.spawn(self._relay, asked)

    def advance(self) -> None:
        """Do what can be done now; called whenever something may have changed."""
        if self._moving:
            self._moving = [one for one in self._moving if not self._has_moved(one)]
        while self._waiting:
            asked = self._waiting[0]
            if not self._replica.raft.is_leader:
                self._pass_on(self._waiting.popleft())
                continue
            try:
                if not self._begin(asked):
                    return
            except ActorError as error:
                asked.delivery.fail(error)
            self._waiting.popleft()

    def tick(self) -> None:
        """Give up what takes too long."""
        replica = self._replica
        late = self._peers.ticks - replica.config.request_timeout_ticks
        while self._waiting and self._waiting[0].tick <= late:
            text = "another change is not decided yet; nothing was changed"
            self._waiting.popleft().delivery.fail(MembershipRefused(text))
        for index in [i for i, (_, asked) in self._proposed.items() if asked.tick <= late]:
            _, asked = self._proposed.pop(index)
            asked.delivery.fail(OutcomeUnknown("the change was not decided in time"))

    def applied(self, entry: Entry) -> None:
        """Follow a configuration that was just applied, and answer who asked for it."""
        replica = self._replica
        roster = replica.roster
        term, asked = self._proposed.pop(entry.index, (0, None))
        if asked is not None:
            if term == entry.term:
                asked.delivery.reply(roster.members())
            else:
                text = "another leader took over before it was decided; nothing was changed"
                asked.delivery.fail(MembershipRefused(text))
        self.check()

    def check(self) -> None:
        """End if the state that is applied says that this member was removed."""
        replica = self._replica
        if replica.roster.was_removed(replica.number):
            self.ended = True

    def _pass_on(self, asked: _Asked) -> None:
        if asked.relayed:
            asked.delivery.fail(NotLeader(self._replica.raft.leader))
        else:
            self._replica.spawn(self._relay, asked)

    async def _relay(self, asked: _Asked) -> None:
        """Ask the leader, whoever that is by the time; only what surely did nothing is repeated."""
        replica = self._replica
        timeout_s = replica.config.request_timeout_ticks * replica.config.tick_s
        while self._peers.ticks - asked.tick < replica.config.request_timeout_ticks:
            leader = replica.raft.leader
            if not self._peers.has_quorum:
                asked.delivery.fail(NoQuorum(self._peers.answering, self._peers.voters))
                return
            if leader == replica.number:
                self._waiting.append(asked)
                return
            if leader:
                try:
                    request = Relayed(asked.request)
                    answer = await replica.actor.call(
                        self._addresses.address(leader), request, timeout_s=timeout_s
                    )
                except (NotLeader, Unreachable, Overloaded):
                    pass
                except _REFUSALS as error:
                    asked.delivery.fail(error.with_traceback(None))
                    return
                except ActorError as error:
                    asked.delivery.fail(OutcomeUnknown(f"store/{leader}: {error}"))
                    return
                else:
                    asked.delivery.reply(answer)
                    return
            await anyio.sleep(replica.config.tick_s)
        asked.delivery.fail(NotLeader(replica.raft.leader))

    # -- at the leader

    def _begin(self, asked: _Asked) -> bool:
        """Propose the change; False if another one must be decided first. Raises ActorError."""
        replica = self._replica
        request = asked.request
        if not self._peers.has_quorum:
            raise NoQuorum(self._peers.answering, self._peers.voters)
        if isinstance(request, MoveLeader):
            self._move(asked, request)
            return True
        roster = replica.roster
        if roster.config != replica.raft.config_state or roster.config.voters_outgoing:
            return False
        if isinstance(request, AddMember):
            change, context = self._add(request)
        elif isinstance(request, RemoveMember):
            change, context = self._remove(request)
        else:
            change, context = self._promote(request)
        try:
            index = replica.raft.propose_change(
                ConfigChange((change,), context=encode_change(context))
            )
        except InvalidChange as error:
            raise MembershipRefused(str(error)) from error
        except ProposalDropped as error:
            if error.reason is DropReason.NOT_CAUGHT_UP:
                raise LearnerNotReady(change.member, str(error)) from error
            return False
        self._proposed[index] = (replica.raft.term, asked)
        return True

    def _add(self, request: AddMember) -> tuple[MemberChange, RosterChange]:
        roster = self._replica.roster
        for other in roster.members().members:
            if request.name and other.name == request.name:
                raise MembershipRefused(f"store/{other.id} is called {request.name!r} already")
            shared = [url for url in request.peer_urls if url in other.peer_urls]
            if shared:
                raise MembershipRefused(f"store/{other.id} has the peer url {shared[0]} already")
            address = str(self._addresses.address(other.id))
            if request.address and address == request.address:
                raise MembershipRefused(
                    f"store/{other.id} is at {address} already: remove it first"
                )
        number = roster.highest + 1
        if not request.learner and len(roster.config.voters) > 1:
            self._keep_quorum((*roster.config.voters, number))
        kind = ChangeType.ADD_LEARNER if request.learner else ChangeType.ADD_VOTER
        info = MemberInfo(
            number,
            request.name,
            request.peer_urls,
            request.client_urls,
            address=request.address,
        )
        return MemberChange(kind, number), RosterChange(number, info)

    def _remove(self, request: RemoveMember) -> tuple[MemberChange, RosterChange]:
        roster = self._replica.roster
        info = roster.info(request.id)
        if not info.learner:
            rest = tuple(voter for voter in roster.config.voters if voter != request.id)
            if not rest:
                raise MembershipRefused("the last voter cannot be removed")
            self._keep_quorum(rest)
        return MemberChange(ChangeType.REMOVE, request.id), RosterChange(roster.highest)

    def _promote(self, request: PromoteMember) -> tuple[MemberChange, RosterChange]:
        replica = self._replica
        roster = replica.roster
        if not roster.info(request.id).learner:
            raise MembershipRefused(f"store/{request.id} votes already")
        if request.id not in roster.started:
            # Should it lose its log once it votes, the others must know that it had one.
            raise LearnerNotReady(request.id, "it has not said yet that it keeps a log")
        status = replica.raft.status()
        peer = next(one for one in status.peers if one.id == request.id)
        lag = status.last_index - peer.match_index
        if not self._peers.answers(request.id):
            raise LearnerNotReady(request.id, "it does not answer")
        if lag > replica.config.promote_lag_max or peer.state != "replicate":
            text = f"it has {peer.match_index} of {status.last_index} log entries"
            raise LearnerNotReady(request.id, text)
        self._keep_quorum((*roster.config.voters, request.id))
        return MemberChange(ChangeType.ADD_VOTER, request.id), RosterChange(roster.highest)

    def _keep_quorum(self, voters: tuple[int, ...]) -> None:
        """Refuse voters of whom no majority answers: such a group would stand still."""
        peers = self._peers
        answering = sum(1 for voter in voters if peers.answers(voter))
        if answering <= len(voters) // 2:
            raise MembershipRefused(
                f"only {answering} of the {len(voters)} voters that there would be answer: "
                "the group would lose its majority"
            )

    def _move(self, asked: _Asked, request: MoveLeader) -> None:
        replica = self._replica
        if replica.roster.info(request.target).learner:
            raise MembershipRefused(f"store/{request.target} is a learner and cannot lead")
        if request.target != replica.number:
            if not self._peers.answers(request.target):
                raise MembershipRefused(f"store/{request.target} does not answer")
            replica.raft.transfer_leadership(request.target)
        asked.tick = self._peers.ticks
        self._moving.append(asked)

    def _has_moved(self, asked: _Asked) -> bool:
        """Answer a transfer that is over, one way or the other."""
        replica = self._replica
        assert isinstance(asked.request, MoveLeader)
        if replica.raft.leader == asked.request.target:
            asked.delivery.reply(self._status())
            return True
        if self._peers.ticks - asked.tick <= 2 * replica.config.election_ticks:
            return False
        text = f"store/{asked.request.target} did not take over in time"
        asked.delivery.fail(MembershipRefused(text))
        return True
