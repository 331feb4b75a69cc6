"""Snapshots for people: saved from a running member, checked, and restored into a new group.

Also prepares directories: a member's to be rebuilt, a new group's from a saved file. What lies
there already is never overwritten.
"""
