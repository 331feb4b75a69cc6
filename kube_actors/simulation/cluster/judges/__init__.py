"""What a cluster owes its users, checked while it runs and once the faults have stopped.

Each judge sees the store's history and nothing else; a broken promise is a breach, never an
exception.
"""
