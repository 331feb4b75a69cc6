"""What of the event loop the actors use: its clock, timers in one heap, and parked tasks.

Each is there for asyncio and for trio under one promise, without a task, scope or event per
message. Everything is given the loop's own time, so virtual time moves it too.
"""
