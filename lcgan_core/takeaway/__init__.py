"""What is taken away from a run: models, painted slices, data sets of an arm, outlined lesions."""
