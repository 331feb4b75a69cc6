"""What the server itself decides about an object before it is validated and stored.

Generation, status, and the fields that an update may not touch are settled here, kind by kind,
as upstream's registry strategies do. Pure: time and identity are arguments.
"""
