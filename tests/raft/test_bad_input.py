"""Whatever is stepped into a member: a typed error or nothing, never a loop or a broken promise."""

from random import Random
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.raft import (
    MESSAGE_TYPES,
    Append,
    ChangeType,
    ConfigChange,
    ConfigState,
    Entry,
    EntryType,
    HardState,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    InvalidChange,
    LogUnavailable,
    MemberChange,
    Message,
    PreVote,
    Propose,
    Raft,
    RaftConfig,
    RaftError,
    Ready,
    SafetyViolation,
    Snapshot,
    SnapshotMetadata,
    Transition,
    UnknownMessage,
    decode_config,
)
from kube_actors.raft.membership import encode_config
from tests.raft.raft_group import Group

NUMBERS = st.one_of(
    st.integers(0, 12), st.sampled_from([-1, 1 << 31, (1 << 63) - 1, 1 << 63, 1 << 80])
)
MEMBERS = st.one_of(st.integers(1, 5), NUMBERS)
CONFIGS = st.builds(ConfigState, *[st.lists(MEMBERS, max_size=3).map(tuple)] * 4, st.booleans())
CONFIG_DATA = CONFIGS.filter(
    lambda who: all(
        0 <= m < 1 << 64
        for group in (who.voters, who.voters_outgoing, who.learners, who.learners_next)
        for m in group
    )
).map(lambda who: encode_config(who, b""))
ENTRIES = st.builds(
    Entry,
    NUMBERS,
    NUMBERS,
    st.one_of(st.binary(max_size=30), CONFIG_DATA),
    st.sampled_from(EntryType),
)
RUNS = st.builds(
    lambda first, terms, data: tuple(
        Entry(first + at, term, data) for at, term in enumerate(sorted(terms))
    ),
    st.integers(0, 8), st.lists(st.integers(0, 9), max_size=4), st.binary(max_size=5),
)  # fmt: skip
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: NUMBERS,
    bool: st.booleans(),
    EntryType: st.sampled_from(EntryType),
    Snapshot: st.builds(
        Snapshot, st.builds(SnapshotMetadata, NUMBERS, NUMBERS, CONFIGS), st.binary(max_size=5)
    ),
    tuple[Entry, ...]: st.one_of(RUNS, st.lists(ENTRIES, max_size=4).map(tuple)),
    tuple[bytes, ...]: st.lists(st.binary(max_size=20), max_size=3).map(tuple),
}


def messages() -> st.SearchStrategy[Message]:
    """Any message with any values in its fields, of their types."""
    kinds = []
    for kind in MESSAGE_TYPES:
        hints = get_type_hints(kind)
        values = {field.name: BY_TYPE[hints[field.name]] for field in fields(kind)}
        values |= {"source": MEMBERS, "target": st.one_of(st.just(1), MEMBERS)}
        kinds.append(st.builds(kind, **values))
    return st.one_of(kinds)


def drain(raft: Raft, limit: int = 50) -> list[Ready]:
    """Do all that it asks for; it must come to an end."""
    done: list[Ready] = []
    while raft.has_ready():
        done.append(raft.ready())
        raft.advance(done[-1])
        assert len(done) <= limit, "it never comes to rest"
    return done


def check_log(raft: Raft) -> None:
    index, term = raft.log.offset, raft.log.offset_term
    for entry in raft.log.entries:
        index += 1
        assert entry.index == index
        assert term <= entry.term <= raft.term
        term = entry.term
    assert index == raft.last_index
    assert raft.term < 1 << 63


def check(raft: Raft, before: HardState) -> HardState:
    """What a member keeps to, whatever it is told."""
    status = raft.status()
    assert status.term >= before.term
    assert status.commit_index >= before.commit
    assert status.applied_index <= status.commit_index <= status.last_index
    check_log(raft)
    if status.term == before.term and before.vote:
        assert status.vote == before.vote
    return HardState(status.term, status.vote, status.commit_index)


CONFIG = EntryType.CONFIG
GOOD = encode_config(ConfigState((1, 2, 3)), b"")


@pytest.mark.parametrize(
    "entries",
    [
        (Entry(3, 1),),
        (Entry(1, 1),),
        (Entry(2, 1), Entry(4, 1)),
        (Entry(2, 1), Entry(2, 1)),
        (Entry(2, 0),),
        (Entry(2, 2), Entry(3, 1)),
        (Entry(2, 3),),
        (Entry(2, 1, b"not a configuration", CONFIG),),
        (Entry(2, 1, GOOD[:-1], CONFIG),),
        (Entry(2, 1, b"\2" + GOOD[1:], CONFIG),),
    ],
    ids=str,
)
def test_entries_that_no_leader_sends_do_not_get_into_the_log(entries: tuple[Entry, ...]) -> None:
    group = Group(3)
    group.elect(1)
    before = group[2].status()
    with pytest.raises(UnknownMessage):
        group[2].step(Append(1, 2, 2 if entries[0].term == 2 else 1, 1, 1, entries, 1))
    assert group[2].last_index == before.last_index
    check_log(group[2])


@pytest.mark.parametrize(
    "metadata",
    [SnapshotMetadata(9, 2, ConfigState((1, 2, 3))), SnapshotMetadata(9, 1, ConfigState())],
    ids=str,
)
def test_a_snapshot_that_cannot_be_is_not_taken(metadata: SnapshotMetadata) -> None:
    group = Group(3)
    group.elect(1)
    before = group[2].status()
    with pytest.raises(UnknownMessage):
        group[2].step(InstallSnapshot(1, 2, 1, Snapshot(metadata)))
    assert group[2].status() == before


EMPTY = encode_config(ConfigState(), b"")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ((), EntryType.NORMAL),
        ((), CONFIG),
        ((b"",), CONFIG),
        ((b"\0\0",), CONFIG),
        ((EMPTY,), CONFIG),
        ((ConfigChange().to_bytes(), ConfigChange().to_bytes()), CONFIG),
    ],
    ids=str,
)
def test_a_proposal_that_no_follower_sends_does_not_end_its_leader(
    data: tuple[bytes, ...], kind: EntryType
) -> None:
    group = Group(3)
    leader = group.elect(1)
    before = leader.status()
    try:
        leader.step(Propose(2, 1, 1, data, kind))
    except UnknownMessage:
        assert len(data) != 1
    assert leader.status() == before
    assert leader.propose(b"and it goes on") == before.last_index + 1


def test_a_configuration_without_voters_does_not_get_into_the_log() -> None:
    group = Group(3)
    group.elect(1)
    before = group[2].status()
    with pytest.raises(UnknownMessage, match="nobody votes"):
        group[2].step(Append(1, 2, 1, 1, 1, (Entry(2, 1, EMPTY, CONFIG),), 1))
    assert group[2].status() == before


@pytest.mark.parametrize("member", [1, 2])
def test_proposing_nothing_is_refused_where_it_is_asked(member: int) -> None:
    group = Group(3)
    group.elect(1)
    group.sent.clear()
    with pytest.raises(ValueError, match="at least one"):
        group[member].propose_many([])
    group.deliver()
    assert not [each for each in group.sent if isinstance(each, Propose)]


def test_a_refused_compaction_forgets_nothing() -> None:
    group = Group(3)
    leader = group.elect(1)
    leader.propose_change(ConfigChange((MemberChange(ChangeType.ADD_LEARNER, 4),)))
    group.deliver()
    with_learner = leader.config_state
    early = Snapshot(SnapshotMetadata(leader.applied_index + 5, 1, with_learner))
    with pytest.raises(LogUnavailable):
        leader.compact(early)
    assert leader.config_as_of(1).learners == ()
    assert leader.config_as_of(leader.applied_index) == with_learner
    assert leader.compact(Snapshot(leader.snapshot_metadata()), keep_entries=10)
    assert leader.config_as_of(leader.applied_index) == with_learner


def test_strangers_leave_nothing_behind() -> None:
    group = Group(3)
    group.elect(1)
    for stranger in range(10, 1000):
        group[1].step(HeartbeatReply(stranger, 1, 1, 0))
        group[2].step(Heartbeat(1, 2, 1, 0, 0))
        group[2].step(PreVote(stranger, 2, 2, 9, 9))
    group.deliver()
    assert len(group[1]._state.heard) + len(group[2]._state.heard) <= 6


@pytest.mark.parametrize("role", ["follower", "leader"])
@settings(max_examples=150)
@given(soup=st.lists(messages(), min_size=1, max_size=12))
def test_a_soup_of_any_messages_is_digested(role: str, soup: list[Message]) -> None:
    group = Group(3, forward_proposals=False)
    if role == "leader":
        group.elect(1).propose_many([b"a", b"b"])
        group.deliver()
    raft = group[1]
    held = check(raft, HardState())
    for message in soup:
        try:
            raft.step(message)
            drain(raft)
            raft.tick()
            drain(raft)
        except SafetyViolation:
            return  # The member is to be stopped.
        except RaftError:
            drain(raft)  # Refused, and it goes on.
        held = check(raft, held)


@settings(max_examples=100)
@given(data=st.data(), seed=st.integers(0, 1 << 20))
def test_a_flipped_field_breaks_nothing_but_the_member_it_reaches(
    data: st.DataObject, seed: int
) -> None:
    """One field of one message in a running group is changed; the receiver may stop, not loop."""
    group = Group(3, seed=seed, check_quorum=False)
    group.elect(1).propose_many([b"a", b"b", b"c"])
    group.deliver()
    message = data.draw(st.sampled_from([m for m in group.sent if m.target != 1 or m.source != 1]))
    names = [f.name for f in fields(type(message)) if f.name not in ("source", "target")]
    name = data.draw(st.sampled_from(names))
    wrong = evolve(message, **{name: data.draw(BY_TYPE[get_type_hints(type(message))[name]])})
    raft = group[wrong.target]
    held = check(raft, HardState())
    try:
        raft.step(wrong)
        drain(raft)
    except RaftError:
        return
    check(raft, held)


@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 20), picks=st.lists(st.integers(0, 1 << 16), max_size=60))
def test_old_messages_of_a_real_group_break_no_promise(seed: int, picks: list[int]) -> None:
    """Everything that was ever sent may come again, in any order, and the group stays right."""
    group = Group(3, seed=seed)
    random = Random(seed)
    for _ in range(4):
        leader = group.elect(random.choice((1, 2, 3)))
        leader.propose_many([b"%d" % random.getrandbits(16) for _ in range(3)])
        group.deliver()
        group.isolate(random.choice((1, 2, 3)))
        group.tick(3)
        group.heal()
    applied = {member: list(group.applied[member]) for member in group.members}
    history = list(group.sent)
    for pick in picks:
        old = history[pick % len(history)]
        held = check(group[old.target], HardState())
        group[old.target].step(old)
        group.deliver()
        check(group[old.target], held)
    group.tick(40)
    logs = [group.applied[member] for member in (1, 2, 3)]
    longest = max(logs, key=len)
    for member, log in enumerate(logs, 1):
        assert log == longest[: len(log)]
        assert log[: len(applied[member])] == applied[member]
    leaders = {(m.term, m.source) for m in group.sent if type(m).__name__ == "Append"}
    assert len({term for term, _ in leaders}) == len(leaders), "one leader per term"


# -- configurations and changes ------------------------------------------------------------


@given(st.binary(max_size=80))
def test_any_bytes_are_a_configuration_or_a_typed_error(data: bytes) -> None:
    try:
        who, context = decode_config(data)
    except InvalidChange:
        return
    assert encode_config(who, context) == data


@given(st.binary(max_size=80))
def test_any_bytes_are_a_change_or_a_typed_error(data: bytes) -> None:
    try:
        change = ConfigChange.from_bytes(data)
    except InvalidChange:
        return
    assert change.to_bytes() == data


@given(
    st.lists(st.tuples(st.sampled_from(ChangeType), NUMBERS), max_size=6),
    st.sampled_from(Transition),
)
def test_any_change_is_taken_or_refused_with_a_typed_error(
    changes: list[tuple[ChangeType, int]], transition: Transition
) -> None:
    group = Group(3)
    leader = group.elect(1)
    before = leader.config_state
    change = ConfigChange(tuple(MemberChange(kind, member) for kind, member in changes), transition)
    try:
        leader.propose_change(change)
    except RaftError:
        assert leader.config_state == before
        return
    group.deliver()
    assert leader.config_state.voters


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 0},
        {"election_ticks": 0},
        {"heartbeat_ticks": 10},
        {"message_bytes_max": 0},
        {"inflight_messages_max": -1},
        {"snapshot_resend_ticks": -1},
    ],
    ids=str,
)
def test_a_config_names_what_is_wrong(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        RaftConfig(**{"id": 1, **wrong})


def test_every_field_of_every_message_is_fuzzed() -> None:
    for kind in MESSAGE_TYPES:
        for hint in get_type_hints(kind).values():
            assert hint in BY_TYPE, (kind, hint, get_origin(hint), get_args(hint))
