"""Decompositions of matrices, by what is unique about them; tests/reference/chain.rs composes the same."""

import torch

from draw import case, f, v


def qr(x):
    """PyTorch has no gradient of a complete tall Q."""
    return torch.linalg.qr(x.detach() if x.shape[-2] > x.shape[-1] else x, mode="complete")


def rest(x):
    """The projection onto what the columns leave, which the columns that complete Q give whatever they are."""
    q = torch.linalg.qr(x)[0]
    return torch.eye(x.shape[0], dtype=x.dtype) - q @ q.T


def vectors(x):
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    return torch.cat([u.square().flatten(), vh.square().flatten()])


OPS = {
    "qr": qr,
    "svd": lambda x, full_matrices=True: torch.linalg.svd(x.detach(), full_matrices=full_matrices),
    "chain_qr_reduced": lambda x: torch.cat([y.flatten() for y in torch.linalg.qr(x)]),
    "chain_qr_rest": rest,
    "chain_qr_rebuilt": lambda x: x.clone(),
    "chain_qr_orthogonal": lambda x: torch.eye(x.shape[-2], dtype=x.dtype).expand(*x.shape[:-1], x.shape[-2]),
    "chain_svd_values": torch.linalg.svdvals,
    "chain_svd_vectors": vectors,
    "chain_svd_rest": rest,
    "chain_svd_rebuilt": lambda x: x.clone(),
    "chain_svd_rebuilt_values": lambda x: x.detach().clone(),
    "chain_svd_orthogonal": lambda x: torch.cat([torch.eye(n, dtype=x.dtype).flatten() for n in x.shape]),
}

DEFICIENT = v([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -2.0, -3.0], [0.5, 1.0, 1.5]])
ZERO = v([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
SHAPES = (1, 1), (1, 4), (4, 1), (2, 2), (3, 3), (5, 3), (3, 5), (6, 6), (7, 4), (9, 8)
BATCHES = (2, 3, 2), (2, 3, 3), (2, 1, 2, 3)

for shape in SHAPES + BATCHES:
    case("qr", f(*shape))
    case("chain_svd_values", f(*shape))
    case("chain_svd_rebuilt", f(*shape))
case("qr", f(4, 3, view=[["permute", [1, 0]]]))
case("qr", f(4, 4, low=-2e25, high=2e25))
case("qr", f(4, 3, dtype="float64"))
case("qr", f(0, 3))
case("qr", f(3, 0))
case("qr", f(0, 2, 2))
for shape in ((4, 2), (5, 4), (3, 3), (4, 1)):
    case("chain_qr_reduced", f(*shape))
for shape in ((4, 2), (5, 4), (4, 1)):
    case("chain_qr_rest", f(*shape))
    case("chain_svd_rest", f(*shape))
for shape in ((4, 2), (3, 3), (2, 4), (2, 3, 2)):
    case("chain_qr_rebuilt", f(*shape))
for x in (f(4, 3), f(2, 4, 2), DEFICIENT, ZERO):
    case("chain_qr_orthogonal", x)

case("svd", v([[3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]))
case("svd", v([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), full_matrices=False)
for shape in ((2, 2), (3, 3), (5, 3), (3, 5), (6, 6)):
    case("chain_svd_vectors", f(*shape))
case("chain_svd_values", f(4, 3, low=1e22, high=1e23))
case("chain_svd_values", f(2, 6, view=[["permute", [1, 0]]]))
case("chain_svd_values", f(5, 4, dtype="float64"))
case("chain_svd_vectors", f(5, 4, dtype="float64"))
case("chain_svd_values", f(0, 3))
case("chain_svd_values", f(0, 2, 2))
for x in (f(6, 4), f(2, 5), f(3, 3), DEFICIENT, ZERO, v([[1.0, 1.0], [1.0, 1.0]])):
    case("chain_svd_rebuilt_values", x)
    case("chain_svd_orthogonal", x)
