"""Programs that ship with the package and stand in for container images on process nodes."""
