"""When a leader tells the others what is committed: with the next entry, or a moment later.

A message of its own for each commit would be half of all messages, and cost the leader and every
follower as much again as the entry did. A member that waits for a commit, because it passed the
request on, is told at once; the others' watchers wait for a quiet moment, if no entry comes first.
"""

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from kube_actors.store.member.member import Member


class Tidings:
    """Tells of a commit after one to two times ``MemberConfig.commit_notice_s`` at the latest."""

    def __init__(self, member: "Member") -> None:
        self._member = member
        self._commits = 0
        self._quiet = False
        self._news = anyio.Event()

    def committed(self) -> None:
        """Take note that this leader has applied something."""
        member = self._member
        elsewhere = member.machine.elsewhere
        if elsewhere:
            for number in elsewhere:
                member.raft.tell_commit(number)
            elsewhere.clear()
        self._commits += 1
        if self._quiet:
            self._quiet = False
            self._news.set()

    async def run(self) -> None:
        """Tell the others whenever there was something and nothing came after it."""
        member = self._member
        wait_s = member.config.commit_notice_s
        while True:
            self._quiet = True
            self._news = anyio.Event()
            await self._news.wait()
            told = 0
            while told != self._commits:
                told = self._commits
                await anyio.sleep(wait_s)
            member.raft.tell_commit()
            member.pump()
