"""What the store is asked and what it answers, as frozen messages: etcd v3's API by its own names.

Keys, membership, maintenance, leases and watch sessions are files of their own; ``commands`` is
what a log entry carries. Tags on the wire never change; a new field has a default.
"""
