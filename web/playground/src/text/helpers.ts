import type { Language } from "../protocol";

/** What the editor says of names that the method table does not hold: the page's helpers and the languages' own. */

export interface Doc {
  /** `plot`, or with its place: `data.xor`, `x.numpy`. */
  name: string;
  signature: string;
  doc: string;
  example: string;
}

const panels = {
  plot: "Adds a point to one chart per name. Tensors are read later, in batches.",
  show: "Shows a tensor's numbers, or a text; small matrices as heat maps, with names at rows and columns.",
  boundary: "Draws the plane as the model sees it, with the training points on it, while it learns.",
  weights: "Draws the first layer's weights, or any tensor, as small images.",
  predictions: "Shows test images with what the model says of them; wrong answers carry a mark.",
  graph:
    "Draws what a value was computed by: micrograd's values with data and gradients, the backward pass to step through, or a node of minitf with its shapes.",
  images: "Shows rows of grey images, each under its name. Call it again to show new ones.",
  scene:
    'Draws shapes in your own units, y upwards: `["line", x1, y1, x2, y2, color, width]`, `["rect", x, y, width, height, color]` (x and y of its lower left corner), `["circle", x, y, radius, color]`, `["text", x, y, words, color]`. Colours are `text`, `muted`, `ghost`, `accent`, `low`, `high`, `warn`, `danger`. `view` holds the lowest and highest x and y.',
  draw: "A pad to draw a digit on. The model answers while you draw.",
  save: "Offers a model's weights, or tensors by name, to the Export menu, which saves them as safetensors. What a panel shows is offered without it.",
  modelFile: "Puts a File panel on the page, and gives the file in it, if one is: a model, or weights.",
  slider: "A slider beside the charts. Gives its value, so read it inside the loop.",
  text: "A box to type or paste text into. Gives what it holds; this browser keeps it.",
  steps: "Counts the steps of training. Pause, Step, Stop and the speed act here.",
  print: "Writes to the console below; tensors with their numbers.",
};

export const helpers: Record<Language, Doc[]> = {
  typescript: [
    { name: "plot", signature: "plot({ name: value, … })", doc: panels.plot, example: "plot({ loss });" },
    {
      name: "show",
      signature: "show(value, label?, names?)",
      doc: panels.show,
      example: 'show(x, "inputs");',
    },
    {
      name: "boundary",
      signature: "boundary(model, { x, y })",
      doc: panels.boundary,
      example: "boundary(model, { x, y });",
    },
    {
      name: "weights",
      signature: 'weights(model, label = "first layer")',
      doc: panels.weights,
      example: 'weights(model, "first filters");',
    },
    {
      name: "predictions",
      signature: "predictions(images, model, labels)",
      doc: panels.predictions,
      example: "predictions(test.images, model, test.labels);",
    },
    { name: "graph", signature: 'graph(value, label = "graph")', doc: panels.graph, example: "graph(loss);" },
    {
      name: "images",
      signature: "images({ name: tensor, … }, label?)",
      doc: panels.images,
      example: "images({ noisy, cleaned, clean });",
    },
    {
      name: "scene",
      signature: 'scene(shapes, { view = [-1, 1, -1, 1], label = "scene" })',
      doc: panels.scene,
      example: 'scene([["circle", 0, 0, 0.5, "accent"]]);',
    },
    { name: "drawDigit", signature: "drawDigit(model)", doc: panels.draw, example: "drawDigit(model);" },
    {
      name: "save",
      signature: 'save(model, name = "model")',
      doc: panels.save,
      example: "save(model);",
    },
    {
      name: "modelFile",
      signature: "modelFile()",
      doc: panels.modelFile,
      example: "const model = await onnx.load(modelFile() ?? file);",
    },
    {
      name: "slider",
      signature: "slider(name, { min, max, value, step? })",
      doc: panels.slider,
      example: 'optimizer.lr = slider("rate", { min: 0.001, max: 0.1, value: 0.01 });',
    },
    {
      name: "text",
      signature: "text(name, { value, rows = 6 })",
      doc: panels.text,
      example: 'const story = text("story", { value: "Once upon a time" });',
    },
    {
      name: "steps",
      signature: "steps(count)",
      doc: panels.steps,
      example: "for await (const step of steps(600)) { … }",
    },
    { name: "print", signature: "print(...values)", doc: panels.print, example: 'print("loss", loss);' },
    {
      name: "dataset",
      signature: "await dataset({ train = 6000, test = 1000 })",
      doc: "Handwritten digits: generated ones, or real MNIST once it is chosen in the Data panel. `train` and `test` hold `images` and `labels`.",
      example: "const { train, test } = await dataset();",
    },
    {
      name: "tensor",
      signature: "tensor(data, { dtype?, requiresGrad? })",
      doc: "A tensor of a number, nested lists or a typed array. Numbers become float32.",
      example: "tensor([[0, 1], [1, 0]])",
    },
    {
      name: "jit",
      signature: "jit(step)",
      doc: "The same function, which remembers the kernels of its second call and replays them afterwards.",
      example: "const trainStep = jit((x, y) => { …; return loss; });",
    },
    {
      name: "device",
      signature: "device()",
      doc: "The device that computes: its `name` is “webgpu” or “cpu”.",
      example: 'device().name === "webgpu"',
    },
    {
      name: "data.xor",
      signature: "data.xor()",
      doc: "The four corners of the square; 1 where the two inputs differ.",
      example: "const { x, y } = data.xor();",
    },
    {
      name: "data.moons",
      signature: "data.moons({ n = 200, noise = 0.1, seed = 0 })",
      doc: "Two interleaved half circles.",
      example: "const { x, y } = data.moons({ n: 200, noise: 0.12 });",
    },
    {
      name: "data.spirals",
      signature: "data.spirals({ n = 300, classes = 3, noise = 0.1, seed = 0 })",
      doc: "Arms that wind around the centre, one per class.",
      example: "const { x, y } = data.spirals({ classes: 3 });",
    },
    {
      name: "data.digits",
      signature: "data.digits({ n = 1000, seed = 0 })",
      doc: "Generated 28 × 28 digits, and what they are.",
      example: "const { images, labels } = data.digits({ n: 500 });",
    },
  ],
  python: [
    { name: "plot", signature: "plot(name=value, …)", doc: panels.plot, example: "plot(loss=loss)" },
    {
      name: "show",
      signature: "show(value, label=None, names=())",
      doc: panels.show,
      example: 'show(x, "inputs")',
    },
    {
      name: "boundary",
      signature: "boundary(model, x, y)",
      doc: panels.boundary,
      example: "boundary(model, X, Y)",
    },
    {
      name: "weights",
      signature: 'weights(model, label="first layer")',
      doc: panels.weights,
      example: 'weights(model, "first filters")',
    },
    {
      name: "predictions",
      signature: "predictions(images, model, labels)",
      doc: panels.predictions,
      example: "predictions(X_test, model, Y_test)",
    },
    { name: "graph", signature: 'graph(value, label="graph")', doc: panels.graph, example: "graph(loss)" },
    {
      name: "images",
      signature: "images(name=tensor, …)",
      doc: panels.images,
      example: "images(noisy=noisy, cleaned=cleaned, clean=clean)",
    },
    {
      name: "scene",
      signature: 'scene(shapes, view=(-1, 1, -1, 1), label="scene")',
      doc: panels.scene,
      example: 'scene([("circle", 0, 0, 0.5, "accent")])',
    },
    { name: "draw_digit", signature: "draw_digit(model)", doc: panels.draw, example: "draw_digit(model)" },
    {
      name: "save",
      signature: 'save(model, name="model")',
      doc: panels.save,
      example: "save(model)",
    },
    {
      name: "model_file",
      signature: "model_file()",
      doc: panels.modelFile,
      example: 'run = OnnxRunner(model_file() or "net.onnx")',
    },
    {
      name: "slider",
      signature: "slider(name, min, max, value, step=None)",
      doc: panels.slider,
      example: 'opt.lr = slider("rate", 0.001, 0.1, value=0.01)',
    },
    {
      name: "text",
      signature: "text(name, value, rows=6)",
      doc: panels.text,
      example: 'story = text("story", "Once upon a time")',
    },
    {
      name: "steps",
      signature: "steps(count)",
      doc: panels.steps,
      example: "for step in steps(600):\n    …",
    },
    {
      name: "print",
      signature: "print(*values)",
      doc: "Writes to the console below. `.numpy()` and `.item()` give a tensor's numbers.",
      example: 'print("loss", loss.item())',
    },
    {
      name: "moons",
      signature: "moons(n=200, noise=0.1, seed=0)",
      doc: "Two interleaved half circles: points and their classes.",
      example: "X, Y = moons(n=200, noise=0.12)",
    },
    {
      name: "datasets.mnist",
      signature: "mnist()",
      doc: "Handwritten digits: generated ones, or real MNIST once it is chosen in the Data panel. Images are uint8, shaped `[n, 1, 28, 28]`.",
      example: "X_train, Y_train, X_test, Y_test = mnist()",
    },
    {
      name: "Tensor",
      signature: "Tensor(data, device=None, dtype=None, requires_grad=None)",
      doc: "A tensor of a number, nested lists, bytes or an array. Whole numbers become int32, others float32.",
      example: "Tensor([[0, 1], [1, 0]])",
    },
    {
      name: "TinyJit",
      signature: "TinyJit(function)",
      doc: "The same function, which remembers the kernels of its second call and replays them afterwards.",
      example: "@TinyJit\ndef train_step(x, y): …",
    },
    {
      name: "Tensor.train",
      signature: "Tensor.train(mode=True)",
      doc: "A with block, or a decorator, in which `Tensor.training` is True: dropout drops and batch norm uses the batch's own mean and variance.",
      example: "with Tensor.train():\n    …",
    },
    {
      name: "Tensor.test",
      signature: "Tensor.test(mode=True)",
      doc: "The opposite of `Tensor.train`.",
      example: "with Tensor.test():\n    …",
    },
    {
      name: "Tensor.no_grad",
      signature: "Tensor.no_grad()",
      doc: "A with block, or a decorator, that records no gradients.",
      example: "with Tensor.no_grad():\n    …",
    },
    {
      name: "Tensor.manual_seed",
      signature: "Tensor.manual_seed(seed=0)",
      doc: "Starts the random numbers anew. The page does it before each run, with the seed of the device menu.",
      example: "Tensor.manual_seed(42)",
    },
    {
      name: "x.numpy",
      signature: "t.numpy()",
      doc: "The tensor's numbers as an array: printed, indexed and compared as NumPy's are.",
      example: "Tensor([[1, 2], [3, 4]]).numpy()",
    },
    {
      name: "x.numel",
      signature: "t.numel()",
      doc: "Number of elements.",
      example: "Tensor([[1, 2]]).numel()",
    },
    {
      name: "x.assign",
      signature: "t.assign(value)",
      doc: "Makes this tensor hold another value of its shape and dtype.",
      example: "Tensor([1.0, 2.0]).assign(Tensor([3.0, 4.0]))",
    },
    {
      name: "x.to",
      signature: "t.to(device)",
      doc: "A copy on another device; this tensor where it is there already.",
      example: 'Tensor([1, 2]).to("CPU")',
    },
    {
      name: "x.clone",
      signature: "t.clone()",
      doc: "A copy with a value of its own.",
      example: "Tensor([1, 2]).clone()",
    },
    {
      name: "x.replace",
      signature: "t.replace(other)",
      doc: "Makes this tensor another one, of any shape and dtype.",
      example: "Tensor([1, 2]).replace(Tensor([3]))",
    },
    {
      name: "state.safe_save",
      signature: "nn.state.safe_save(tensors, path)",
      doc: "Saves named tensors as a safetensors file.",
      example: 'nn.state.safe_save(nn.state.get_state_dict(nn.Linear(2, 1)), "model.safetensors")',
    },
    {
      name: "state.safe_load",
      signature: "nn.state.safe_load(path)",
      doc: "The tensors of a safetensors file, by name.",
      example: 'nn.state.load_state_dict(model, nn.state.safe_load("model.safetensors"))',
    },
    {
      name: "state.torch_load",
      signature: "nn.state.torch_load(path)",
      doc: "The tensors of a file that `torch.save` wrote, by name. Nothing in it is executed.",
      example: 'nn.state.torch_load("model.pt")',
    },
    {
      name: "Device.DEFAULT",
      signature: "Device.DEFAULT",
      doc: "The device that computes.",
      example: 'Device.DEFAULT == "WEBGPU"',
    },
    {
      name: "GlobalCounters",
      signature: "GlobalCounters",
      doc: "What has been counted since `GlobalCounters.reset()`: kernels, operations and bytes moved.",
      example: "print(GlobalCounters.kernel_count)",
    },
    {
      name: "Context",
      signature: "Context(**values)",
      doc: "A with block in which settings such as `DEBUG` have other values.",
      example: "with Context(DEBUG=2):\n    …",
    },
    {
      name: "getenv",
      signature: "getenv(name, default=0)",
      doc: "A setting by its name, as scripts read it from the environment; here the default.",
      example: 'steps = getenv("STEPS", 70)',
    },
    {
      name: "helpers.trange",
      signature: "trange(n)",
      doc: "Counts like `range`, with a progress bar in the console.",
      example: "for i in (t := trange(70)): …",
    },
    {
      name: "helpers.Timing",
      signature: 'Timing(prefix="")',
      doc: "A with block that prints how long it took.",
      example: 'with Timing("step: "):\n    …',
    },
    {
      name: "helpers.colored",
      signature: "colored(text, color)",
      doc: "The text in a colour of the terminal.",
      example: 'print(colored("done", "green"))',
    },
    {
      name: "Value",
      signature: "Value(number)",
      doc: "micrograd's single number, which knows how it was made: `.data`, `.grad` and `.backward()`.",
      example: "a = Value(2.0)",
    },
  ],
};

/** What else may follow these words in Python. */
export const members: Record<string, string> = {
  tinygrad: "Tensor TinyJit Device GlobalCounters Context dtypes getenv nn helpers",
  nn: "optim state datasets",
  micrograd: "engine nn",
  engine: "Value",
  minitf:
    "Graph placeholder constant Variable Session GradientDescentOptimizer RegisterGradient add subtract multiply divide matmul negative square log relu sigmoid softmax reduce_sum reduce_mean",
  cartpole: "CartPole",
  mingpt: "model trainer utils",
  mamba: "Mamba ModelArgs MambaBlock ResidualBlock RMSNorm selective_scan",
  dtypes: "float32 float float64 double float16 half bfloat16 int32 int int64 long int8 uint8 uint32 bool",
};
