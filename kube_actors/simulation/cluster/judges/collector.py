"""Whether the garbage collector only takes what no living owner has.

What it asks for is heard on the network; whether that was right is judged when the object goes, by
the owners that stand in the history then. An owner that waits in the foreground for its dependents
to go does not count as living.
"""

import orjson

from kube_actors.actor import MalformedMessage
from kube_actors.actor.talk import CALL, Envelope, decode
from kube_actors.client import ApiRequest
from kube_actors.simulation.cluster.history import Change, History
from kube_actors.simulation.cluster.promises import Breaches

COLLECTOR = "controller/garbage-collector/"
FOREGROUND = "foregroundDeletion"


class OwnersKeep:
    """``dependents-stay``. ``hear`` gets every envelope, the call every change of the history."""

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches
        self._asked: dict[str, str] = {}
        self.judged = 0

    def hear(self, envelope: Envelope) -> None:
        """Take note of a deletion that a garbage collector asks for."""
        if envelope.kind != CALL or not envelope.source.startswith(COLLECTOR):
            return
        try:
            request = decode(envelope.frame)
        except MalformedMessage:
            return
        if isinstance(request, ApiRequest) and request.method == "DELETE" and request.body:
            options = orjson.loads(bytes(request.body))
            uid = (options.get("preconditions") or {}).get("uid")
            if uid:
                self._asked[uid] = envelope.source

    def __call__(self, change: Change) -> None:
        before, after = change.before, change.object
        if before is None or not change.resource:
            return
        meta = before["metadata"]
        stays = after is not None and after["metadata"]["uid"] == meta["uid"]
        if stays and after is not None and not after["metadata"].get("deletionTimestamp"):
            return
        who = self._asked.pop(meta["uid"], "")
        if not who:
            return
        self.judged += 1
        owners = {owner["uid"]: owner for owner in meta.get("ownerReferences") or ()}
        for key, obj in self._history.objects.items():
            there = obj.get("metadata") or {}
            if there.get("uid") not in owners:
                continue
            if there.get("deletionTimestamp") and FOREGROUND in (there.get("finalizers") or ()):
                continue
            text = f"{who} took {change.key} at revision {change.revision}: its owner {key} lives"
            self._breaches.found("dependents-stay", text, lane=who)
            return
