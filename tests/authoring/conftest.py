collect_ignore = ["example_package"]  # a project of its own; test_scaffold.py runs its tests
