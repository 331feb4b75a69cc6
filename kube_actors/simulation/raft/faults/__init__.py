"""What goes wrong in a Raft group: the verbs, the stories made of them, and carrying them out."""
