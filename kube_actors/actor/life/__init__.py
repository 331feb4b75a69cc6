"""How actors begin, fail and end: a system, its supervisors, and what an actor is given.

A ``Supervisor`` runs actors and starts again what crashes, as in Erlang/OTP: one for one, one
for all, rest for one, with backoff and a bound. ``ActorSystem`` holds what they share: a
network, a clock, a seed and the timers. It decides nothing about messages.
"""
