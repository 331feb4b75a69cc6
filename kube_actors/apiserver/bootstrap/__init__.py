"""What every cluster has from the start: written once, by whichever apiserver comes first.

The objects themselves are pure data; writing them is one transaction each, never over what is
there.
"""
