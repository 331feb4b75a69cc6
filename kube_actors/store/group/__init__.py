"""Who belongs to the group, and what its members know about each other.

Changes of membership, greetings and addresses, the watch over the leader's process, comparing
hashes, and coming back under a new number after a disk was lost. Each is given what it uses of
its member, never the member.
"""
