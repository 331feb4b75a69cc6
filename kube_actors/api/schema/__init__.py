"""What an object of a kind looks like: checked, pruned and defaulted in one pass.

A schema is compiled once into closures (``compiler``), whose leaves accept what Go's decoder
accepts (``scalars``); ``structure`` finds the schema of a kind. Values are never changed in
place.
"""
