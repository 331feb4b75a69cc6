"""Containers that are only told about: any image, no process, times and failures by script."""
