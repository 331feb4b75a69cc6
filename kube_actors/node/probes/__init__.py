"""When a container is probed, what a result means, and how http, tcp and exec are asked."""
