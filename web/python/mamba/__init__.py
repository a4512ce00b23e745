"""Mamba, a sequence model whose state is updated once for each token (Gu and Dao, 2023, arXiv 2312.00752).

Names of classes and weights are those of mamba-minimal, so that its state dicts fit.
"""

from .model import Mamba, MambaBlock, ModelArgs, ResidualBlock, RMSNorm, selective_scan  # noqa: F401
