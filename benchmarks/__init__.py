"""Ours compared with the plain recipe, in one run on one device: `make bench`."""
