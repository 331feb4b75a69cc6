"""What is in a pod's volumes, and its files on disk: all of an update is seen, or nothing of it."""
