"""Data at rest and at a boundary: frozen attrs classes in, plain JSON data out, and back.

One ``Boundary`` per place where data enters: a file, a request, an answer. It is strict: a field
that nobody knows, one that is missing and a value of another type are refused in one line that
names the path in the person's words; nothing is coerced. What crosses between actors is not its
business: that is the wire's (``kube_actors.actor``), and Kubernetes' objects stay plain data.
"""

from kube_actors.boundary.boundary import Boundary
from kube_actors.boundary.json_values import parse_json
from kube_actors.boundary.refusal import Malformed, shown

__all__ = ["Boundary", "Malformed", "parse_json", "shown"]
