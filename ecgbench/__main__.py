"""`python -m ecgbench` is `ecgbench`."""

from ecgbench.cli import main

if __name__ == "__main__":
    main()
