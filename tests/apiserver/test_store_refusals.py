"""What a client reads when the store refuses: a Status that says what is wrong and what to do."""

import pytest

from kube_actors.actor import ActorError
from kube_actors.store import Corrupt, NoQuorum, NoSpace, OutcomeUnknown, Txn
from kube_actors.store.messages import TxnDone
from tests.apiserver.memory_store import MemoryStore
from tests.apiserver.world import config_map, world

MAPS = "/api/v1/namespaces/default/configmaps"


class RefusingStore(MemoryStore):
    """Refuses every write as it is told to."""

    refusal: ActorError | None = None

    async def txn(self, request: Txn) -> TxnDone:
        if self.refusal is not None:
            raise self.refusal
        return await super().txn(request)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refusal", "status", "reason", "text"),
    [
        (NoSpace(), 503, "ServiceUnavailable", "over its quota: deletions and reads are served"),
        (NoSpace(), 503, "ServiceUnavailable", "then `kube-actors store disarm`"),
        (
            Corrupt("store/2 differs at revision 7"),
            503,
            "ServiceUnavailable",
            "its members disagree: store/2 differs at revision 7; nothing was written",
        ),
        (NoQuorum(1, 3), 503, "ServiceUnavailable", "1 of 3 store members answer"),
        (OutcomeUnknown("it fell silent"), 504, "Timeout", "its fate is unknown: it fell silent"),
    ],
)
async def test_a_refused_write_says_why_and_what_to_do(
    refusal: ActorError, status: int, reason: str, text: str
) -> None:
    store = RefusingStore()
    async with world(store=store) as w:
        await w.ok("POST", MAPS, config_map("a"))
        store.refusal = refusal
        for method, path, body in (
            ("POST", MAPS, config_map("b")),
            ("PUT", f"{MAPS}/a", config_map("a", k="v")),
            ("DELETE", f"{MAPS}/a", None),
        ):
            refused = await w.ask(method, path, body)
            assert (refused.status, refused.body["reason"]) == (status, reason)
            assert text in refused.body["message"]
        assert (await w.ask("GET", f"{MAPS}/a")).status == 200
        store.refusal = None
        await w.ok("PUT", f"{MAPS}/a", config_map("a", k="v"))
