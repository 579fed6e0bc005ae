"""Tools for authors: templates, conformance tests of a method, and submissions."""
