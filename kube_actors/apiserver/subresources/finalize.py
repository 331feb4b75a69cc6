"""namespaces/finalize: the namespace controller takes off its finalizer; the last one removes."""

from kube_actors.apiserver.call import Call
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.verbs import update


async def finalize(call: Call) -> Answer:
    """Replace ``spec.finalizers``; raises ``StatusError`` 404 or 409."""
    return await update(call)
