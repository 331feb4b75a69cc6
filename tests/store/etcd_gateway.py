"""A real etcd that speaks our messages, to ask it what is right.

Talks to etcd's own JSON gateway on loopback, so that nothing of ours stands between the test and
the answer. https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
"""

import http.client
import json
import time
from base64 import b64decode, b64encode
from typing import Any

from kube_actors.actor import ActorError, Blob
from kube_actors.store import (
    Compact,
    Compacted,
    Compare,
    CompareResult,
    CompareTarget,
    DeleteDone,
    DeleteRange,
    FutureRevision,
    InvalidRequest,
    KeyValue,
    LeaseGrant,
    LeaseNotFound,
    LeaseRevoke,
    LeaseTimeToLive,
    Put,
    PutDone,
    Range,
    Ranged,
    SortOrder,
    SortTarget,
    Txn,
    TxnDone,
)
from tests.etcd.real_etcd import START_S

_RESULTS = {
    CompareResult.EQUAL: "EQUAL",
    CompareResult.GREATER: "GREATER",
    CompareResult.LESS: "LESS",
    CompareResult.NOT_EQUAL: "NOT_EQUAL",
}
_NUMBERS = {
    CompareTarget.VERSION: "version",
    CompareTarget.CREATE: "create_revision",
    CompareTarget.MOD: "mod_revision",
    CompareTarget.LEASE: "lease",
}
_ORDERS = {SortOrder.NONE: "NONE", SortOrder.ASCEND: "ASCEND", SortOrder.DESCEND: "DESCEND"}
_TARGETS = {
    SortTarget.KEY: "KEY",
    SortTarget.VERSION: "VERSION",
    SortTarget.CREATE: "CREATE",
    SortTarget.MOD: "MOD",
    SortTarget.VALUE: "VALUE",
}


class EtcdGateway:
    """Requests of ours in, answers and errors of ours out."""

    def __init__(self, url: str) -> None:
        host = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(host, timeout=60)
        self._wait_until_it_answers()

    def close(self) -> None:
        self._connection.close()

    def _wait_until_it_answers(self) -> None:
        """The gateway is a client of its own etcd, and may come to it a little later than we."""
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                self.call("/v3/kv/range", {"key": _text(b"a")})
            except (OSError, http.client.HTTPException):
                self._connection.close()
                assert time.monotonic() < deadline_s, "the gateway does not answer"
            else:
                return

    def call(self, path: str, body: Any) -> Any:
        """Post one request; raises one of our errors for one of etcd's."""
        self._connection.request("POST", path, json.dumps(body))
        response = self._connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise _error(answer["error"])
        return answer

    def begin(self) -> int:
        """Forget every key and lease and all history; return the revision that is left."""
        for lease in self.call("/v3/lease/leases", {}).get("leases", ()):
            self.call("/v3/lease/revoke", {"ID": lease["ID"]})
        everything = {"key": _text(b"\0"), "range_end": _text(b"\0")}
        self.call("/v3/kv/put", {"key": _text(b"x")})
        done = self.call("/v3/kv/deleterange", everything)
        revision = int(done["header"]["revision"])
        self.call("/v3/kv/compaction", {"revision": revision, "physical": True})
        return revision

    def apply(self, request: Any) -> Any:
        """Do what a request of ours says; return the answer or the error, as our state does."""
        try:
            return self._apply(request)
        except ActorError as error:
            return error

    def _apply(self, request: Any) -> Any:
        if isinstance(request, Txn):
            return _txn_done(self.call("/v3/kv/txn", _txn(request)))
        if isinstance(request, Range):
            return _ranged(self.call("/v3/kv/range", _range(request)))
        if isinstance(request, Compact):
            self.call("/v3/kv/compaction", {"revision": request.revision})
        elif isinstance(request, LeaseGrant):
            self.call("/v3/lease/grant", {"ID": request.id, "TTL": request.ttl_s})
        elif isinstance(request, LeaseRevoke):
            self.call("/v3/lease/revoke", {"ID": request.id})
        else:
            assert isinstance(request, LeaseTimeToLive)
            found = self.call("/v3/lease/timetolive", {"ID": request.id, "keys": True})
            return tuple(sorted(map(b64decode, found.get("keys", ()))))
        return None


def _error(text: str) -> ActorError:
    if "compacted" in text:
        return Compacted(0)
    if "future" in text:
        return FutureRevision(0)
    if "lease not found" in text:
        return LeaseNotFound(0)
    return InvalidRequest(text.removeprefix("etcdserver: "))


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _range(request: Range) -> dict[str, Any]:
    return {
        "key": _text(request.key),
        "range_end": _text(request.range_end),
        "revision": request.revision,
        "limit": request.limit,
        "sort_order": _ORDERS[request.sort_order],
        "sort_target": _TARGETS[request.sort_target],
        "keys_only": request.keys_only,
        "count_only": request.count_only,
        "min_mod_revision": request.min_mod_revision,
        "max_mod_revision": request.max_mod_revision,
        "min_create_revision": request.min_create_revision,
        "max_create_revision": request.max_create_revision,
    }


def _txn(request: Txn) -> dict[str, Any]:
    return {
        "compare": [_compare(one) for one in request.compare],
        "success": [_operation(one) for one in request.success],
        "failure": [_operation(one) for one in request.failure],
    }


def _compare(compare: Compare) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": _text(compare.key),
        "range_end": _text(compare.range_end),
        "target": compare.target.name,
        "result": _RESULTS[compare.result],
    }
    if compare.target is CompareTarget.VALUE:
        found["value"] = _text(compare.value)
    else:
        found[_NUMBERS[compare.target]] = compare.number
    return found


def _operation(operation: Range | Put | DeleteRange | Txn) -> dict[str, Any]:
    if isinstance(operation, Range):
        return {"requestRange": _range(operation)}
    if isinstance(operation, Txn):
        return {"requestTxn": _txn(operation)}
    if isinstance(operation, DeleteRange):
        delete = {
            "key": _text(operation.key),
            "range_end": _text(operation.range_end),
            "prev_kv": operation.prev_kv,
        }
        return {"requestDeleteRange": delete}
    put = {
        "key": _text(operation.key),
        "value": _text(operation.value),
        "lease": operation.lease,
        "prev_kv": operation.prev_kv,
        "ignore_value": operation.ignore_value,
        "ignore_lease": operation.ignore_lease,
    }
    return {"requestPut": put}


def _key_value(found: dict[str, Any]) -> KeyValue:
    return KeyValue(
        b64decode(found["key"]),
        Blob(b64decode(found.get("value", ""))),
        int(found["create_revision"]),
        int(found["mod_revision"]),
        int(found["version"]),
        int(found.get("lease", 0)),
    )


def _ranged(found: dict[str, Any]) -> Ranged:
    return Ranged(
        int(found["header"]["revision"]),
        tuple(map(_key_value, found.get("kvs", ()))),
        found.get("more", False),
        int(found.get("count", 0)),
    )


def _txn_done(found: dict[str, Any]) -> TxnDone:
    answers: list[Ranged | PutDone | DeleteDone | TxnDone] = []
    for one in found.get("responses", ()):
        ((kind, answer),) = one.items()
        if kind == "response_range":
            answers.append(_ranged(answer))
        elif kind == "response_put":
            previous = answer.get("prev_kv")
            answers.append(PutDone(_key_value(previous) if previous else None))
        elif kind == "response_delete_range":
            previous = tuple(map(_key_value, answer.get("prev_kvs", ())))
            answers.append(DeleteDone(int(answer.get("deleted", 0)), previous))
        else:
            answers.append(_txn_done(answer))
    revision = int(found["header"].get("revision", 0))
    return TxnDone(revision, found.get("succeeded", False), tuple(answers))
