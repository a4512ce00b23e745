"""Data sets."""

from .._engine import host
from ..dtype import dtypes
from ..tensor import Tensor


def mnist(device=None, fashion=False):
    """Grey images of ten classes: images and labels to train on, then those to test with, all `uint8`.

    Images are `[n, 1, 28, 28]`, 0 black to 255 white. They come from the data source that was chosen: MNIST's
    files, or else digits that are drawn.
    """
    images, labels, test_images, test_labels = map(Tensor._of, host("mnist", bool(fashion)))
    made = [
        images.unsqueeze(1),
        labels.cast(dtypes.uint8),
        test_images.unsqueeze(1),
        test_labels.cast(dtypes.uint8),
    ]
    return tuple((t if device is None else t.to(device)).realize() for t in made)
