"""Head CT in, slice store out: readers, label maps, the store, joining stores."""
