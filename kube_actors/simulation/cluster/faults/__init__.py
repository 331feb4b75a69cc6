"""What goes wrong in a simulated cluster: drawn before the run, carried out, and undone."""
