"""Plug-ins: the registries, descriptions and import of methods, tasks and protocols."""
