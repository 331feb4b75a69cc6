"""Waiting for sockets with callbacks, on asyncio and trio: no task and no hop per message.

On asyncio a callback runs straight out of the event loop. Trio has no callbacks: there a task per
watched socket waits for it, and one task runs what shall happen soon. ``running_events`` chooses.
Nothing here knows what crosses a socket.
"""

from kube_actors.actor.tcp.events.events import Due, Events
from kube_actors.actor.tcp.events.running import running_events

__all__ = ["Due", "Events", "running_events"]
