"""What of the event loop the actors use: its clock, timers in one heap, and parked tasks.

Each is there for asyncio and for trio under one promise, without a task, scope or event per
message. Everything is given the loop's own time, so virtual time moves it too.
"""

from kube_actors.actor.loop.clock import Clock
from kube_actors.actor.loop.parking import Library, Parking, running_library
from kube_actors.actor.loop.timers import Timer, Timers
from kube_actors.actor.loop.trio_parking import TrioParking

__all__ = ["Clock", "Library", "Parking", "Timer", "Timers", "TrioParking", "running_library"]
