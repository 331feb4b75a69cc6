"""Controllers of namespaces: what each must hold, and emptying one that goes away."""
