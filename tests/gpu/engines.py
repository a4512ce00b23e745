"""PyTorch and tinygrad behind the names that `work.py` uses.

`op(case)` and `train(case, start)` give what runs the case once; `train` also the losses of its first steps.
"""

from work import MODELS, OPS, is_trained


class Torch:
    def __init__(self, device, compiled, tf32):
        import torch
        import torch.nn.functional as F

        self.torch, self.F, self.device, self.compiled = torch, F, device, compiled
        self.name = "compile" if compiled else "torch"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32

    def wait(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def float(self, x):
        return x.float()

    def linear(self, x, w, b):
        return self.F.linear(x, w, b)

    def conv2d(self, x, w, b):
        return self.F.conv2d(x, w, b)

    def half(self, x):
        return self.F.max_pool2d(x, 2)

    def batch_norm(self, x, w, b):
        channels = x.shape[1]
        mean, var = self.torch.zeros(channels, device=x.device), self.torch.ones(channels, device=x.device)
        return self.F.batch_norm(x, mean, var, w, b, training=True)

    def layer_norm(self, x, w, b):
        return self.F.layer_norm(x, x.shape[-1:], w, b)

    def embedding(self, w, x):
        return self.F.embedding(x, w)

    def gelu(self, x):
        return self.F.gelu(x, approximate="tanh")

    def attention(self, q, k, v):
        return self.F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def max_rows(self, x):
        return x.amax(1)

    def faster(self, f):
        if not self.compiled:
            return f
        self.torch._dynamo.reset()
        return self.torch.compile(f, dynamic=False, mode="reduce-overhead" if self.device == "cuda" else "default")

    def op(self, case):
        dtype = getattr(self.torch, case["dtype"])
        inputs = [self.torch.rand(s, device=self.device).mul(2).sub(1).to(dtype) for s in case["shapes"]]
        run = self.faster(lambda *x: OPS[case["op"]](self, *x))
        return self.torch.no_grad()(lambda: run(*inputs))

    def train(self, case, start):
        tensors = {k: self.torch.from_numpy(v).to(self.device) for k, v in start.items()}
        rows, labels = tensors["rows"], tensors["labels"].long().flatten()
        params = {k: v.requires_grad_() for k, v in tensors.items() if is_trained(k)}
        loss_of = self.faster(lambda: self.F.cross_entropy(MODELS[case["model"]](self, params, rows), labels))
        optimizer = self.torch.optim.Adam(params.values(), lr=case["lr"], fused=self.compiled or None)

        def step():
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            optimizer.step()
            return loss

        return step, [step().item() for _ in case["losses"]]


class Tinygrad:
    name = "tinygrad"

    def __init__(self, device):
        import tinygrad

        self.t = tinygrad
        self.device = tinygrad.Device["CUDA" if device == "cuda" else "CPU"]
        tinygrad.helpers.DEV.value = self.device.device

    def wait(self):
        self.device.synchronize()

    def float(self, x):
        return x.float()

    def linear(self, x, w, b):
        return x.linear(w.transpose(), b)

    def conv2d(self, x, w, b):
        return x.conv2d(w, b)

    def half(self, x):
        return x.max_pool2d((2, 2))

    def batch_norm(self, x, w, b):
        mean = x.mean((0, 2, 3))
        var = ((x - mean.reshape(1, -1, 1, 1)) ** 2).mean((0, 2, 3))
        return x.batchnorm(w, b, mean, (var + 1e-5).rsqrt())

    def layer_norm(self, x, w, b):
        x = x.layernorm()
        return x if w is None else x * w + b

    def embedding(self, w, x):
        return w[x]

    def gelu(self, x):
        return x.gelu()

    def attention(self, q, k, v):
        return q.scaled_dot_product_attention(k, v, is_causal=True)

    def max_rows(self, x):
        return x.max(1)

    def op(self, case):
        dtype = getattr(self.t.dtypes, case["dtype"])
        inputs = [self.t.Tensor.rand(*s).mul(2).sub(1).cast(dtype).realize() for s in case["shapes"]]
        run = self.t.TinyJit(lambda *x: OPS[case["op"]](self, *x).realize())
        return lambda: run(*inputs)

    def train(self, case, start):
        tensors = {k: self.t.Tensor(v).realize() for k, v in start.items()}
        rows, labels = tensors["rows"], tensors["labels"].flatten().realize()
        params = {k: v for k, v in tensors.items() if is_trained(k)}
        optimizer = self.t.nn.optim.Adam(list(params.values()), lr=case["lr"])

        @self.t.TinyJit
        def captured():
            optimizer.zero_grad()
            loss = MODELS[case["model"]](self, params, rows).sparse_categorical_crossentropy(labels)
            loss.backward()
            return loss.realize(*optimizer.schedule_step())

        def step():
            with self.t.helpers.Context(TRAINING=1):
                return captured()

        return step, [step().item() for _ in case["losses"]]
