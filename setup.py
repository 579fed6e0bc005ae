"""Maps the top-level folders `methods/` and `tasks/` into the package `ecgbench`.

They are next to `ecgbench/` so that contributors find them. They are imported as `ecgbench.methods` and
`ecgbench.tasks` so that site-packages gets no generic top-level name.
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
