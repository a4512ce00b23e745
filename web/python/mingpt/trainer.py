"""Trains a GPT with AdamW."""

import re
import time
from collections import defaultdict

from tinygrad import Tensor, TinyJit, dtypes, nn
from tinygrad._engine import ArgumentError

from .utils import CfgNode

MOST_ITEMS = 100_000


class Trainer:
    """`train_dataset` is a sequence of pairs, tokens and what comes after each, all of one length, from which batches
    are drawn; or a function that makes a batch of that many: two tensors `(batch, length)`.

    Weight decay acts on the weights of linear layers alone. After each step `iter_num` counts it, `loss` is its loss,
    `iter_dt` the seconds it took, and the callbacks of "on_batch_end" are called with the trainer.
    """

    @staticmethod
    def get_default_config():
        """`max_iters` None: without end."""
        return CfgNode(
            max_iters=None,
            batch_size=64,
            learning_rate=3e-4,
            betas=(0.9, 0.95),
            weight_decay=0.1,
            grad_norm_clip=1.0,
        )

    def __init__(self, config, model, train_dataset):
        self.config, self.model, self.train_dataset = config, model, train_dataset
        self.callbacks = defaultdict(list)
        self.iter_num, self.iter_time, self.iter_dt = 0, 0.0, 0.0
        named = nn.state.get_state_dict(model).items()
        decays = re.compile(r"(c_\w+|lm_head)\.weight$").search
        b1, b2 = config.betas
        adam = dict(lr=config.learning_rate, b1=b1, b2=b2)
        self.optimizer = nn.optim.OptimizerGroup(
            nn.optim.AdamW([t for name, t in named if decays(name)], weight_decay=config.weight_decay, **adam),
            nn.optim.AdamW([t for name, t in named if not decays(name)], weight_decay=0.0, **adam),
        )
        self._batch = train_dataset if callable(train_dataset) else _draw_from(train_dataset)
        self._step = TinyJit(self._train)

    def add_callback(self, onevent, callback):
        """One more function to call then."""
        self.callbacks[onevent].append(callback)

    def set_callback(self, onevent, callback):
        """The only function to call then."""
        self.callbacks[onevent] = [callback]

    def trigger_callbacks(self, onevent):
        """Calls them."""
        for callback in self.callbacks[onevent]:
            callback(self)

    def step(self):
        """One step on one batch; gives its loss."""
        with Tensor.train():
            self.loss = self._step(*self._batch(self.config.batch_size))
        self.iter_num += 1
        return self.loss

    def run(self):
        """`max_iters` steps."""
        self.iter_time = time.time()
        while self.config.max_iters is None or self.iter_num < self.config.max_iters:
            self.step()
            now = time.time()
            self.iter_dt, self.iter_time = now - self.iter_time, now
            self.trigger_callbacks("on_batch_end")

    def _train(self, x, y):
        _, loss = self.model(x, y)
        self.optimizer.zero_grad()
        loss.backward()
        nn.optim.clip_grad_norm([self.model], self.config.grad_norm_clip)
        self.optimizer.step()
        return loss


def _draw_from(dataset):
    count = len(dataset)
    if not 0 < count <= MOST_ITEMS:
        expected = f"1 to {MOST_ITEMS} pairs of tokens and targets"
        raise ArgumentError("Trainer", f"a dataset of {count}", expected, "give a function that makes a batch")
    items = [dataset[i] for i in range(count)]
    x, y = (Tensor([list(item[side]) for item in items], dtype=dtypes.int32) for side in (0, 1))

    def batch(size):
        pick = Tensor.randint(size, high=count)
        return x[pick], y[pick]

    return batch
