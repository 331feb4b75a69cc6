"""Masters and nodes in processes of their own: how they know each other, and what runs in each.

The same actors as in one process, over TCP with certificates from one directory.
"""
