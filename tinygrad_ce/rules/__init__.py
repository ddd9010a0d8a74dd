"""Gradient rules, one family a file, joined in `table.py`."""
