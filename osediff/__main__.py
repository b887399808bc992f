"""The command ``osediff`` in a clone in which nothing is installed: ``python -m osediff restore IN OUT``."""

from osediff.tool import main

main()
