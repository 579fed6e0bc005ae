"""Maps the top-level folders `methods/` and `tasks/` into the package `ecgbench`.

They stand beside `ecgbench/` so that a contributor finds them at once, and are imported as
`ecgbench.methods` and `ecgbench.tasks` so that no generic name lands in site-packages.
"""

from setuptools import find_packages, setup

MAPPED = ("methods", "tasks")

packages = find_packages(include=["ecgbench", "ecgbench.*"])
for folder in MAPPED:
    packages.append(f"ecgbench.{folder}")
    packages += [f"ecgbench.{folder}.{name}" for name in find_packages(folder)]

setup(
    packages=packages,
    package_dir={f"ecgbench.{folder}": folder for folder in MAPPED} | {"ecgbench": "ecgbench"},
    package_data={
        "ecgbench": [
            "py.typed",
            "**/*.yaml",
            "**/*.csv",
            "**/*.json",
            "**/*.j2",
            "**/*.css",
            "**/*.js",
        ],
        "ecgbench.methods": ["**/*.yaml", "**/*.md"],
        "ecgbench.tasks": ["**/*.yaml", "**/*.json"],
    },
)
