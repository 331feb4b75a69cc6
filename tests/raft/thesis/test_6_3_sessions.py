"""Thesis 6.3: linearizable semantics for clients; each request is applied once."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.raft import (
    AlreadyAnswered,
    BadSessions,
    ClientRequest,
    RaftError,
    SessionFull,
    Sessions,
    SessionUnknown,
)
from tests.raft.raft_group import Group


class Counter:
    """A state machine in which doing something twice shows."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, command: bytes) -> bytes:
        self.value += int(command)
        return b"%d" % self.value


def test_a_repeated_request_is_performed_once_and_answered_again() -> None:
    sessions, counter = Sessions(), Counter()
    name = sessions.open(5)
    request = ClientRequest(name, 1, b"3")
    assert sessions.apply(6, request, counter.add) == b"3"
    assert sessions.apply(7, ClientRequest(name, 2, b"4"), counter.add) == b"7"
    assert sessions.apply(8, request, counter.add) == b"3"
    assert counter.value == 7


def test_a_session_is_named_by_the_entry_that_opened_it() -> None:
    sessions = Sessions()
    assert (sessions.open(5), sessions.open(9)) == (5, 9)
    assert 5 in sessions
    assert 6 not in sessions


def test_requests_of_one_client_may_overtake_each_other() -> None:
    sessions, counter = Sessions(), Counter()
    name = sessions.open(1)
    for index, sequence in enumerate((3, 1, 2, 1, 3), 2):
        sessions.apply(index, ClientRequest(name, sequence, b"%d" % sequence), counter.add)
    assert counter.value == 6


def test_two_clients_may_use_the_same_numbers() -> None:
    sessions, counter = Sessions(), Counter()
    for index, name in enumerate((sessions.open(1), sessions.open(2)), 3):
        sessions.apply(index, ClientRequest(name, 1, b"1"), counter.add)
    assert counter.value == 2


def test_an_unknown_session_is_refused_and_nothing_is_performed() -> None:
    sessions, counter = Sessions(), Counter()
    with pytest.raises(SessionUnknown) as caught:
        sessions.apply(2, ClientRequest(7, 1, b"1"), counter.add)
    assert caught.value.session == 7
    assert counter.value == 0


def test_replies_are_kept_until_the_client_has_them() -> None:
    sessions, counter = Sessions(), Counter()
    name = sessions.open(1)
    for sequence in (1, 2, 3):
        sessions.apply(sequence + 1, ClientRequest(name, sequence, b"1"), counter.add)
    sessions.apply(9, ClientRequest(name, 4, b"1", answered_below=3), counter.add)
    assert sessions.apply(10, ClientRequest(name, 3, b"1"), counter.add) == b"3"
    for sequence in (1, 2):
        with pytest.raises(AlreadyAnswered):
            sessions.apply(11, ClientRequest(name, sequence, b"1"), counter.add)
    assert counter.value == 4


def test_a_late_request_cannot_take_an_acknowledgement_back() -> None:
    sessions, counter = Sessions(), Counter()
    name = sessions.open(1)
    sessions.apply(2, ClientRequest(name, 5, b"1", answered_below=5), counter.add)
    with pytest.raises(AlreadyAnswered):
        sessions.apply(3, ClientRequest(name, 1, b"1", answered_below=0), counter.add)
    assert counter.value == 1


def test_a_client_that_never_acknowledges_is_stopped() -> None:
    sessions, counter = Sessions(replies_max=2), Counter()
    name = sessions.open(1)
    for sequence in (1, 2):
        sessions.apply(sequence + 1, ClientRequest(name, sequence, b"1"), counter.add)
    with pytest.raises(SessionFull):
        sessions.apply(4, ClientRequest(name, 3, b"1"), counter.add)
    assert sessions.apply(5, ClientRequest(name, 2, b"1"), counter.add) == b"2"
    sessions.apply(6, ClientRequest(name, 3, b"1", answered_below=2), counter.add)
    assert counter.value == 3


def test_the_session_least_recently_used_in_the_log_goes_first() -> None:
    sessions, counter = Sessions(sessions_max=2), Counter()
    first, second = sessions.open(1), sessions.open(2)
    sessions.apply(3, ClientRequest(first, 1, b"1"), counter.add)
    third = sessions.open(4)
    assert [name in sessions for name in (first, second, third)] == [True, False, True]


def test_a_duplicate_counts_as_use() -> None:
    sessions, counter = Sessions(sessions_max=2), Counter()
    first = sessions.open(1)
    sessions.apply(2, ClientRequest(first, 1, b"1"), counter.add)
    second = sessions.open(3)
    sessions.apply(4, ClientRequest(first, 1, b"1"), counter.add)
    sessions.open(5)
    assert (first in sessions, second in sessions) == (True, False)


def test_sessions_expire_by_the_time_in_the_log() -> None:
    sessions, counter = Sessions(), Counter()
    first, second = sessions.open(1, time=100), sessions.open(2, time=100)
    sessions.apply(3, ClientRequest(first, 1, b"1"), counter.add, time=150)
    sessions.apply(4, ClientRequest(first, 2, b"1"), counter.add, time=90)
    assert sessions.expire(100) == ()
    assert sessions.expire(150) == (second,)
    assert first in sessions


def test_a_client_may_close_its_session() -> None:
    sessions = Sessions()
    name = sessions.open(1)
    assert [sessions.close(name), sessions.close(name)] == [True, False]


def test_a_request_that_fails_is_not_taken_for_done() -> None:
    sessions = Sessions()
    name = sessions.open(1)
    with pytest.raises(ValueError, match="invalid literal"):
        sessions.apply(2, ClientRequest(name, 1, b"x"), Counter().add)
    assert sessions.apply(3, ClientRequest(name, 1, b"1"), Counter().add) == b"1"


# -- every member comes to the same, also from a snapshot ----------------------------------


def play(seed: int, sessions: Sessions, counter: Counter, first: int, last: int) -> list[object]:
    """Apply the entries first..last of a log made from a seed; return every outcome."""
    seen: list[object] = []
    for index in range(first, last):
        random = Random(seed * 1000 + index)
        if random.random() < 0.2:
            seen.append(sessions.open(index, time=index))
        elif random.random() < 0.05:
            seen.append(sessions.expire(index - 40))
        else:
            sequence = random.randint(1, 9)
            request = ClientRequest(
                random.randint(1, last), sequence, b"1", sequence - 3 if sequence > 3 else 0
            )
            try:
                seen.append(sessions.apply(index, request, counter.add, time=index))
            except RaftError as error:
                seen.append(repr(error))
    return seen


@given(seed=st.integers(0, 10_000), cut=st.integers(1, 199))
def test_a_member_restored_from_a_snapshot_goes_on_alike(seed: int, cut: int) -> None:
    whole, counter = Sessions(sessions_max=8, replies_max=3), Counter()
    told = play(seed, whole, counter, 1, cut) + play(seed, whole, counter, cut, 200)
    before, restored, again = (
        Sessions(sessions_max=8, replies_max=3),
        Sessions(sessions_max=8, replies_max=3),
        Counter(),
    )
    seen = play(seed, before, again, 1, cut)
    restored.restore(before.to_bytes())
    seen += play(seed, restored, again, cut, 200)
    assert seen == told
    assert restored.to_bytes() == whole.to_bytes()


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    sessions = Sessions()
    sessions.open(4)
    before = sessions.to_bytes()
    try:
        sessions.restore(data)
    except BadSessions:
        assert sessions.to_bytes() == before
    else:
        assert sessions.to_bytes() == data
    try:
        request = ClientRequest.from_bytes(data)
    except BadSessions:
        return
    assert request.to_bytes() == data


@given(st.data())
def test_cut_or_lengthened_sessions_are_refused(data: st.DataObject) -> None:
    sessions = Sessions()
    for name in (sessions.open(1), sessions.open(2)):
        sessions.apply(3, ClientRequest(name, 1, b"x"), lambda command: command * 3)
    whole = sessions.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(BadSessions):
            Sessions().restore(wrong)


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_numbers_that_cannot_be_encoded_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        ClientRequest(1, number, b"")


# -- with Raft -----------------------------------------------------------------------------


def test_a_request_proposed_again_at_the_next_leader_is_applied_once_everywhere() -> None:
    """The first leader commits it, and is gone before the client hears of it."""
    group = Group(3)
    group.elect(1).propose(b"open")
    group.deliver()
    name = group.applied[1][-1].index
    request = ClientRequest(name, 1, b"5").to_bytes()
    group[1].propose(request)
    group.deliver()
    group.isolate(1)
    group.elect(2).propose(request)
    group.deliver()
    group.heal()
    group.tick(3)
    for member in (1, 2, 3):
        sessions, counter = Sessions(), Counter()
        replies = []
        for entry in group.applied[member]:
            if entry.data == b"open":
                sessions.open(entry.index)
            elif entry.data:
                request_ = ClientRequest.from_bytes(entry.data)
                replies.append(sessions.apply(entry.index, request_, counter.add))
        assert replies == [b"5", b"5"]
        assert counter.value == 5
