"""Everything MLflow: the store, what is published to it, the registered model, its pages."""
