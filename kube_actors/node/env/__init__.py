"""The environment of a container, and ``$(NAME)`` in what is said about it. Pure."""
