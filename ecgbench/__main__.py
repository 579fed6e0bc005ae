"""`python -m ecgbench` is `ecgbench`."""

from ecgbench.cli.app import main

if __name__ == "__main__":
    main()
