"""Public data sets as they unpack: one file per set, each with `is_here` and `find`."""
