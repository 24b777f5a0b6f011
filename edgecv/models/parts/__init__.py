"""Parts for detectors of your own, where torchvision has none (torch)."""
