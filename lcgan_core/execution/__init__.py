"""How the grid executes its notebooks: papermill, without the cost of starting a kernel a job."""
