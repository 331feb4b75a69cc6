"""How objects lie in the store and what is done to them on the way there. Pure.

Keys and values, the versions of a kind, generated names, defaults and validation as one step
each, and whether an update was made from the stored state.
"""
