"""Frozen dataclasses that users receive; plain data in and out by `to_dict` and `from_dict`."""
