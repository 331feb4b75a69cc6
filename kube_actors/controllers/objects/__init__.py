"""What controllers of many kinds know of objects: owners, claims, conditions, names, pods.

Plain functions over records and JSON, none of which asks the API.
"""
