"""NVIDIA's driver, GPUs and CUDA, as the engines use them."""
