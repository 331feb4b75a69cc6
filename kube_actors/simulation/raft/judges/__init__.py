"""What must be true of a Raft group: after every step, and of what its clients saw."""
