"""Files as people have them: tables, cells, YAML, WFDB headers and recordings."""
