"""Loaded models: :func:`~edgecv_runtime.models.load.load` and one file for each task."""
