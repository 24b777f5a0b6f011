"""A training run, whatever the task: its loop, folder, resume and progress."""
