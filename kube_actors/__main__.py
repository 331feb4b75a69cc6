"""``python -m kube_actors`` is the command line."""

from kube_actors.cli import main

if __name__ == "__main__":  # The processes of a campaign import this module once more.
    main(prog_name="python -m kube_actors")
