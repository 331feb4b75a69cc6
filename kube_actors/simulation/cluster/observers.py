"""Who looks on while a simulated cluster lives: at the stores, at crashes, at refusals.

Observers stand outside the weather: no fault touches their links. They change nothing, so a world
without them would go the same way.
"""

import logging
from collections.abc import Callable
from typing import Any

import anyio

from kube_actors.actor import Actor, ActorError, ActorSystem
from kube_actors.raft import SafetyViolation
from kube_actors.simulation.cluster.history import FIRST_REVISION, History
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.store import DiskError
from kube_actors.store.messages import GetHash, Hashed, Watch, Watched

EXPECTED = (DiskError,)
ESCALATED = "Escalated"


async def observe(
    system: ActorSystem, member: int, history: History, refusing: Callable[[int], bool]
) -> None:
    """Tell the history what a member of the store applies, for as long as it lives and after.

    ``refusing`` says whether it met damage on its disk, so that it may tell nothing
    (``damage-refused``).
    """
    async with system.client(f"observer/{member}") as actor:
        while True:
            try:
                await _follow(actor, member, history, refusing)
            except ActorError:
                pass
            await anyio.sleep(0.2)


async def _follow(
    actor: Actor, member: int, history: History, refusing: Callable[[int], bool]
) -> None:
    start = history.told.get(member, FIRST_REVISION) + 1
    watch = Watch(key=b"\0", range_end=b"\0", start_revision=start)
    async with actor.stream(f"store/{member}", watch, credit=1024) as items:
        established = False
        async for item in items:
            if refusing(member):
                text = f"store/{member} met damage on its disk, and serves"
                history.breaches.found("damage-refused", text, lane=f"store/{member}")
            if isinstance(item, Watched):
                # The first item says where the member is, not what it has told.
                if established or item.events:
                    history.tell(member, item.revision, item.events)
                established = True


async def hashes(actor: Actor, members: tuple[int, ...], revision: int) -> dict[int, Hashed | str]:
    """Ask members for their hash at one revision; a member that does not answer says why."""
    found: dict[int, Hashed | str] = {}
    for member in members:
        try:
            found[member] = await actor.call(f"store/{member}", GetHash(revision), timeout_s=5)
        except ActorError as error:
            found[member] = f"{type(error).__name__}: {error}"
    return found


class Crashes(logging.Handler):
    """``crash``: hears from the supervisors what actors died of, and keeps it off the screen.

    A member that lost its disk before its group had heard that it had a log finds out by what its
    leader says, and that ends it: ``hurt`` names the members of whom that is expected.
    """

    def __init__(self, breaches: Breaches, hurt: Callable[[], tuple[int, ...]]) -> None:
        super().__init__()
        self._breaches = breaches
        self._hurt = hurt

    def emit(self, record: logging.LogRecord) -> None:
        """Take an unexpected exception in a log record for a breach of ``crash``."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or isinstance(error, EXPECTED) or type(error).__name__ == ESCALATED:
            return
        who = record.getMessage().partition(" ")[0].rstrip(":")
        if isinstance(error, SafetyViolation) and who in map("store/{}".format, self._hurt()):
            return
        self._breaches.found("crash", f"{record.getMessage()} ({place(error)})")


def place(error: BaseException) -> str:
    """Name the innermost place that an exception came from, and the exception."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename.rpartition("kube_actors/")[2]
        where = f" at {file}:{trace.tb_lineno} in {code.co_name}"
    return f"{type(error).__name__}: {error}{where}"
