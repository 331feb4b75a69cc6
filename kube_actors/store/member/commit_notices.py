"""When a leader tells the others what is committed: with the next entry, or a moment later.

A message of its own for each commit would be half of all messages, and cost the leader and every
follower as much again as the entry did. A member that waits for a commit, because it passed the
request on, is told at once; the others' watchers wait for a quiet moment, if no entry comes first.
"""

from collections.abc import Callable

import anyio

from kube_actors.raft import Raft


class CommitNotices:
    """Tells of a commit after one to two times ``wait_s`` at the latest.

    ``pump`` sends what Raft wants to be sent.
    """

    def __init__(self, raft: Raft, wait_s: float, pump: Callable[[], None]) -> None:
        self._raft = raft
        self._wait_s = wait_s
        self._pump = pump
        self._commits = 0
        self._quiet = False
        self._news = anyio.Event()

    def committed(self, waiting: dict[int, None]) -> None:
        """Note that this leader has applied something, and tell the members ``waiting`` for it.

        They are told, and ``waiting`` is empty afterwards.
        """
        if waiting:
            for number in waiting:
                self._raft.tell_commit(number)
            waiting.clear()
        self._commits += 1
        if self._quiet:
            self._quiet = False
            self._news.set()

    async def run(self) -> None:
        """Tell the others whenever there was something and nothing came after it."""
        while True:
            self._quiet = True
            self._news = anyio.Event()
            await self._news.wait()
            told = 0
            while told != self._commits:
                told = self._commits
                await anyio.sleep(self._wait_s)
            self._raft.tell_commit()
            self._pump()
