"""Writes mingpt.json: a small GPT in PyTorch with stored weights: its logits and loss for stored tokens, the gradients
of the loss, and the attention of its first block.

    pip install torch && python tests/reference/mingpt.py
"""

import json
import math
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
SIZES = {"n_layer": 2, "n_head": 2, "n_embd": 8, "vocab_size": 7, "block_size": 6}


def tensor(x):
    values = [float(f"{v:.7g}") if isinstance(v, float) else v for v in x.detach().reshape(-1).tolist()]
    return {"shape": list(x.shape), "values": values}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.c_attn(x).chunk(3, -1))
        ahead = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(ahead, -math.inf)
        self.map = scores.softmax(-1)
        return self.c_proj((self.map @ v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2, self.mlp = nn.LayerNorm(width), MLP(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, n_layer, n_head, n_embd, vocab_size, block_size):
        super().__init__()
        parts = {
            "wte": nn.Embedding(vocab_size, n_embd),
            "wpe": nn.Embedding(block_size, n_embd),
            "h": nn.ModuleList(Block(n_embd, n_head) for _ in range(n_layer)),
            "ln_f": nn.LayerNorm(n_embd),
        }
        self.transformer = nn.ModuleDict(parts)
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)

    def forward(self, tokens):
        parts = self.transformer
        x = parts["wte"](tokens) + parts["wpe"](torch.arange(tokens.shape[1]))
        for block in parts["h"]:
            x = block(x)
        return self.lm_head(parts["ln_f"](x))


model = GPT(**SIZES)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_((torch.rand_like(parameter) - 0.5).mul(1000).round() / 1000)
tokens = torch.randint(7, (2, 5))
targets = torch.randint(7, (2, 5))
targets[:, :2] = -1
logits = model(tokens)
loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
loss.backward()
written = {
    "sizes": SIZES,
    "state": {name: tensor(p) for name, p in model.state_dict().items()},
    "tokens": tensor(tokens),
    "targets": tensor(targets),
    "logits": tensor(logits),
    "loss": tensor(loss),
    "attention": tensor(model.transformer["h"][0].attn.map),
    "grads": {name: tensor(p.grad) for name, p in model.named_parameters()},
}
lines = ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in written.items())
pathlib.Path(__file__).with_suffix(".json").write_text(f"{{{lines}}}\n")
