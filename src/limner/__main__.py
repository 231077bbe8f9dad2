"""`python -m limner` is the command `limner`."""

from limner.cli.main import main

main()
