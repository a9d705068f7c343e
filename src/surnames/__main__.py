"""`python -m surnames` is the `surnames` command."""

from surnames.cli import main

if __name__ == "__main__":
    main(prog_name="surnames")
