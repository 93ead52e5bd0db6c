"""Public data sets as they unpack: one file a set, each with `is_here` and `find`."""
