"""karpathy's minGPT under its names, over tensors as tinygrad's."""
