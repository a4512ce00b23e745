"""Static graphs, as in the first TensorFlow: write the computation down, then run it in a session."""

from .graph import Graph, Node, Variable, constant, placeholder
from .ops import (
    RegisterGradient,
    add,
    divide,
    log,
    matmul,
    multiply,
    negative,
    reduce_mean,
    reduce_sum,
    relu,
    sigmoid,
    softmax,
    square,
    subtract,
)
from .session import GradientDescentOptimizer, Session
