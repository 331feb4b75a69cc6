"""The replicated state: keys at every revision, leases, sessions, roster, alarms. Pure.

``State`` is changed by commands alone, in the order of the log, so every member's is the same.
It knows no clock, disk or Raft: time is the leader's business, and what is frozen becomes bytes
in ``encoding``. Long work is done in steps, so that somebody else may have a turn.
"""
