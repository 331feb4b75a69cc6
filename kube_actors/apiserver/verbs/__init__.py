"""The verbs of the API, one file each: from an admitted call to an answer."""
