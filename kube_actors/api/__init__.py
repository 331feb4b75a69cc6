"""What may be said: kinds, schemas, defaults, validation, selectors, quantities, patches, errors.

Everything here is pure: data in, data out, no waiting, no clock, no randomness, no disk (the
schema data, read once when first needed, is the one exception). Objects are plain JSON
dictionaries and are never changed in place: what comes out shares what did not change.
"""

from kube_actors.api.kinds import BUILTIN, Group, Kind, Kinds, Object, Subresource, UnknownKind

__all__ = ["BUILTIN", "Group", "Kind", "Kinds", "Object", "Subresource", "UnknownKind"]
