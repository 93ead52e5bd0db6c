"""Head CT in, slice store out: readers, the in-silico cohort, the store, the split by patient."""
