"""One PySyncObj process of ``rivals.py``: orders come in on stdin, a JSON line each."""

import json
import sys
import threading
import time
from typing import Any

from pysyncobj import SyncObj, SyncObjConf, SyncObjException, replicated

LEADER_WAIT_S = 20.0
PAUSE_S = 0.01


class Dictionary(SyncObj):  # type: ignore[misc]
    """The replicated state."""

    def __init__(self, own: str, others: list[str], journal: str) -> None:
        # Its defaults wait up to 100 ms for company; these are the fastest documented ones.
        conf = SyncObjConf(
            journalFile=journal,
            appendEntriesPeriod=0.01,
            appendEntriesUseBatch=True,
            autoTickPeriod=0.001,
            commandsQueueSize=1_000_000,
        )
        self.data: dict[str, str] = {}
        super().__init__(own, others, conf)

    @replicated  # type: ignore[untyped-decorator]
    def put(self, key: str, value: str) -> None:
        self.data[key] = value


def insist(store: Dictionary, key: str, value: str) -> None:
    """Put, and again if it is refused: on a busy machine leaders change."""
    while True:
        try:
            store.put(key, value, sync=True, timeout=20)
        except SyncObjException:
            time.sleep(PAUSE_S)
        else:
            return


def put_many(store: Dictionary, clients: int, operations: int, size: int) -> dict[str, Any]:
    latencies: list[float] = []
    left = iter(range(operations))
    lock = threading.Lock()
    value = "x" * size

    def client() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            began = time.perf_counter()
            insist(store, f"key-{number}", value)
            latencies.append(time.perf_counter() - began)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"latencies_s": latencies, "took_s": time.perf_counter() - began}


def main() -> None:
    number, directory, addresses = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    own = addresses.pop(number)
    store = Dictionary(own, addresses, f"{directory}/{number}.journal")
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "lead":
            deadline = time.monotonic() + LEADER_WAIT_S
            while not (store.isReady() and store._getLeader()) and time.monotonic() < deadline:
                time.sleep(0.01)
            answer: dict[str, Any] = {"leads": bool(store._isLeader())}
        else:
            answer = put_many(store, order["clients"], order["operations"], order["bytes"])
        print(json.dumps(answer), flush=True)


main()
