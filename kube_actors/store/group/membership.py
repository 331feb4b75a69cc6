"""Changes of the membership, made by the leader one at a time, each of them one log entry.

Any member takes a request and passes it to the leader, which checks it against what it alone
knows: who answers, how far a learner is. A change that the group refuses leaves no trace; one that
entered the log is answered when it is applied. Nothing is ever proposed twice, so a leader that
dies leaves the asker with ``OutcomeUnknown`` and the group with one configuration.
"""

from collections import deque
from typing import TYPE_CHECKING

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
from kube_actors.store.messages import (
    AddMember,
    LearnerNotReady,
    MemberInfo,
    MemberNotFound,
    MembershipRefused,
    MoveLeader,
    NoQuorum,
    NotLeader,
    OutcomeUnknown,
    PromoteMember,
    RemoveMember,
)
from kube_actors.store.state import RosterChange, encode_change

if TYPE_CHECKING:
    from kube_actors.store.member import Member

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
    """What one member does about changes; ``ended`` once it learns that it was removed."""

    def __init__(self, member: "Member") -> None:
        self._member = member
        self._waiting: deque[_Asked] = deque()
        self._proposed: dict[int, tuple[int, _Asked]] = {}
        self._moving: list[_Asked] = []
        self.ended = False

    def take(self, delivery: Delivery, request: Change | Relayed) -> None:
        """Take in a request for a change."""
        member = self._member
        relayed = isinstance(request, Relayed)
        change = request.request if isinstance(request, Relayed) else request
        asked = _Asked(change, delivery, relayed, member.peers.ticks)
        if member.raft.is_leader:
            self._waiting.append(asked)
        elif relayed:
            delivery.fail(NotLeader(member.raft.leader))
        else:
            member.tasks.start_soon(self._relay, asked)

    def advance(self) -> None:
        """Do what can be done now; called whenever something may have changed."""
        if self._moving:
            self._moving = [one for one in self._moving if not self._has_moved(one)]
        while self._waiting:
            asked = self._waiting[0]
            if not self._member.raft.is_leader:
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
        member = self._member
        late = member.peers.ticks - member.config.request_timeout_ticks
        while self._waiting and self._waiting[0].tick <= late:
            text = "another change is not decided yet; nothing was changed"
            self._waiting.popleft().delivery.fail(MembershipRefused(text))
        for index in [i for i, (_, asked) in self._proposed.items() if asked.tick <= late]:
            _, asked = self._proposed.pop(index)
            asked.delivery.fail(OutcomeUnknown("the change was not decided in time"))

    def applied(self, entry: Entry) -> None:
        """Follow a configuration that was just applied, and answer who asked for it."""
        member = self._member
        roster = member.machine.state.roster
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
        member = self._member
        if member.machine.state.roster.was_removed(member.config.member):
            self.ended = True

    def _pass_on(self, asked: _Asked) -> None:
        if asked.relayed:
            asked.delivery.fail(NotLeader(self._member.raft.leader))
        else:
            self._member.tasks.start_soon(self._relay, asked)

    async def _relay(self, asked: _Asked) -> None:
        """Ask the leader, whoever that is by the time; only what surely did nothing is repeated."""
        member = self._member
        timeout_s = member.config.request_timeout_ticks * member.config.tick_s
        while member.peers.ticks - asked.tick < member.config.request_timeout_ticks:
            leader = member.raft.leader
            if not member.peers.has_quorum:
                asked.delivery.fail(NoQuorum(member.peers.answering, member.peers.voters))
                return
            if leader == member.config.member:
                self._waiting.append(asked)
                return
            if leader:
                try:
                    request = Relayed(asked.request)
                    answer = await member.actor.call(
                        member.address(leader), request, timeout_s=timeout_s
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
            await anyio.sleep(member.config.tick_s)
        asked.delivery.fail(NotLeader(member.raft.leader))

    # -- at the leader

    def _begin(self, asked: _Asked) -> bool:
        """Propose the change; False if another one must be decided first. Raises ActorError."""
        member = self._member
        request = asked.request
        if not member.peers.has_quorum:
            raise NoQuorum(member.peers.answering, member.peers.voters)
        if isinstance(request, MoveLeader):
            self._move(asked, request)
            return True
        roster = member.machine.state.roster
        if roster.config != member.raft.config_state or roster.config.voters_outgoing:
            return False
        if isinstance(request, AddMember):
            change, context = self._add(request)
        elif isinstance(request, RemoveMember):
            change, context = self._remove(request)
        else:
            change, context = self._promote(request)
        try:
            index = member.raft.propose_change(
                ConfigChange((change,), context=encode_change(context))
            )
        except InvalidChange as error:
            raise MembershipRefused(str(error)) from error
        except ProposalDropped as error:
            if error.reason is DropReason.NOT_CAUGHT_UP:
                raise LearnerNotReady(change.member, str(error)) from error
            return False
        self._proposed[index] = (member.raft.term, asked)
        return True

    def _add(self, request: AddMember) -> tuple[MemberChange, RosterChange]:
        roster = self._member.machine.state.roster
        for other in roster.members().members:
            if request.name and other.name == request.name:
                raise MembershipRefused(f"store/{other.id} is called {request.name!r} already")
            shared = [url for url in request.peer_urls if url in other.peer_urls]
            if shared:
                raise MembershipRefused(f"store/{other.id} has the peer url {shared[0]} already")
            address = str(self._member.address(other.id))
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
        roster = self._member.machine.state.roster
        info = roster.info(request.id)
        if not info.learner:
            rest = tuple(voter for voter in roster.config.voters if voter != request.id)
            if not rest:
                raise MembershipRefused("the last voter cannot be removed")
            self._keep_quorum(rest)
        return MemberChange(ChangeType.REMOVE, request.id), RosterChange(roster.highest)

    def _promote(self, request: PromoteMember) -> tuple[MemberChange, RosterChange]:
        member = self._member
        roster = member.machine.state.roster
        if not roster.info(request.id).learner:
            raise MembershipRefused(f"store/{request.id} votes already")
        if request.id not in roster.started:
            # Should it lose its log once it votes, the others must know that it had one.
            raise LearnerNotReady(request.id, "it has not said yet that it keeps a log")
        status = member.raft.status()
        peer = next(one for one in status.peers if one.id == request.id)
        lag = status.last_index - peer.match_index
        if not member.peers.answers(request.id):
            raise LearnerNotReady(request.id, "it does not answer")
        if lag > member.config.promote_lag_max or peer.state != "replicate":
            text = f"it has {peer.match_index} of {status.last_index} log entries"
            raise LearnerNotReady(request.id, text)
        self._keep_quorum((*roster.config.voters, request.id))
        return MemberChange(ChangeType.ADD_VOTER, request.id), RosterChange(roster.highest)

    def _keep_quorum(self, voters: tuple[int, ...]) -> None:
        """Refuse voters of whom no majority answers: such a group would stand still."""
        peers = self._member.peers
        answering = sum(1 for voter in voters if peers.answers(voter))
        if answering <= len(voters) // 2:
            raise MembershipRefused(
                f"only {answering} of the {len(voters)} voters that there would be answer: "
                "the group would lose its majority"
            )

    def _move(self, asked: _Asked, request: MoveLeader) -> None:
        member = self._member
        if member.machine.state.roster.info(request.target).learner:
            raise MembershipRefused(f"store/{request.target} is a learner and cannot lead")
        if request.target != member.config.member:
            if not member.peers.answers(request.target):
                raise MembershipRefused(f"store/{request.target} does not answer")
            member.raft.transfer_leadership(request.target)
        asked.tick = member.peers.ticks
        self._moving.append(asked)

    def _has_moved(self, asked: _Asked) -> bool:
        """Answer a transfer that is over, one way or the other."""
        member = self._member
        assert isinstance(asked.request, MoveLeader)
        if member.raft.leader == asked.request.target:
            asked.delivery.reply(member.status())
            return True
        if member.peers.ticks - asked.tick <= 2 * member.config.election_ticks:
            return False
        text = f"store/{asked.request.target} did not take over in time"
        asked.delivery.fail(MembershipRefused(text))
        return True
