"""Scalars that know their gradients, under the names of karpathy's micrograd."""
