"""A module of scenarios that cannot be imported."""

raise RuntimeError("not\ntoday")
