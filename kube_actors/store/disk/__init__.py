"""The place that must not forget: the ``Disk`` protocol, a directory that keeps it, one in memory.

A log is frames with checksums in preallocated segments; snapshots are files written aside,
synced and renamed. Damage other than a torn tail is refused with file and offset, and a failed
sync is final. Nothing here knows Raft's messages or what the entries mean.
"""
