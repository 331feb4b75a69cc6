"""The first line of ``kube-actors status`` says what the table under it shows."""

from typing import Any

import pytest

from kube_actors.cli.status import render_status


def status(
    answering: str, *, leader: int = 1, read_only: bool = False, engine: bool = False
) -> dict[str, Any]:
    """Three masters; ``answering`` names the numbers of the stores that answer."""
    members: dict[str, Any] = {}
    for number in "123":
        members[number] = {"answers": number in answering}
        if number in answering:
            members[number] |= {"leader": leader, "term": 1, "commit": 9, "applied": 9}
            members[number] |= {"revision": 5, "answering": 3, "members": 3, "readOnly": read_only}
    store = {"members": members, "leader": leader, "readOnly": read_only, "engine": engine}
    return {"store": store, "masters": {}, "nodes": {}}


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (status("123"), "healthy: store/1 leads, 3 of 3 store members answer"),
        (
            status("12"),
            "DEGRADED: store/1 leads, 2 of 3 store members answer (store/3 silent); "
            "no more may fail",
        ),
        (
            status("23"),
            "DEGRADED: nobody leads yet, 2 of 3 store members answer (store/1 silent); "
            "no more may fail",
        ),
        # Two were killed a moment ago and the third has not noticed yet.
        (
            status("3", leader=3),
            "READ-ONLY: 1 of 3 store members answer; reads may be stale, writes are refused until "
            "a majority is back",
        ),
        (
            status("123", leader=0, read_only=True),
            "READ-ONLY: 3 of 3 store members answer and nobody leads; reads may be stale, writes "
            "are refused until a majority is back",
        ),
        (
            status("123", leader=10276657743932975437, engine=True),
            "healthy: 3 of 3 masters reach the store's engine, which has a leader",
        ),
        (
            status("", leader=0, read_only=True, engine=True),
            "READ-ONLY: the store's engine does not answer; reads may be stale, writes are refused",
        ),
    ],
)
def test_the_headline_agrees_with_the_members(asked: dict[str, Any], line: str) -> None:
    assert render_status(asked)[0] == line
