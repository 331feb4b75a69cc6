"""Tier 2: a whole cluster on virtual time, from one seed: its users, its weather and its judges.

Every component is the real one; only time, chance, links, disks and containers are simulated.
"""
