"""Controllers of nodes: who fell silent, what is tainted, and whose pods go.

``health`` decides that a node is dead; ``lifecycle`` says so on the node and marks its pods.
"""
