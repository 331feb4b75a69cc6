"""How actors begin, fail and end: a system, its supervisors, and what an actor is given.

A ``Supervisor`` runs actors and starts again what crashes, as in Erlang/OTP: one for one, one
for all, rest for one, with backoff and a bound. ``ActorSystem`` holds what they share: a
network, a clock, a seed and the timers. It decides nothing about messages.
"""

from kube_actors.actor.life.actor import Actor
from kube_actors.actor.life.child import (
    Child,
    ChildStatistics,
    Restart,
    State,
    SupervisorStatistics,
)
from kube_actors.actor.life.record import InjectedCrash
from kube_actors.actor.life.restarts import Strategy
from kube_actors.actor.life.supervisor import Escalated, Supervisor
from kube_actors.actor.life.system import ActorSystem

__all__ = [
    "Actor",
    "ActorSystem",
    "Child",
    "ChildStatistics",
    "Escalated",
    "InjectedCrash",
    "Restart",
    "State",
    "Strategy",
    "Supervisor",
    "SupervisorStatistics",
]
