"""Images and labels as minibatches for training, augmented (torch)."""
