"""Checks of pods and of everything inside them, in the words of ``pkg/apis/core/validation``.

Containers, volumes, references and scheduling each have a file; ``updates`` says what may change
in a pod that exists. Workloads check their templates by the same functions.
"""
