"""What of the event loop the actors use: its clock, timers in one heap, and parked tasks.

Each is there for asyncio and for trio under one promise, without a task, scope or event per
message: ``running_library`` chooses between the two. Everything is given the loop's own time, so
virtual time moves it too. Nothing here knows what an actor or a message is.
"""

from kube_actors.actor.loop.clock import Clock
from kube_actors.actor.loop.exception_groups import only
from kube_actors.actor.loop.parking import Library, Parking
from kube_actors.actor.loop.running import running_library
from kube_actors.actor.loop.timers import Timer, Timers

__all__ = ["Clock", "Library", "Parking", "Timer", "Timers", "only", "running_library"]
