"""What playgrad has beside tinygrad's names."""
