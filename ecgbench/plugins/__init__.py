"""Methods, tasks and protocols as plug-ins: found, described, imported."""
