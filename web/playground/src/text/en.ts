import type { ExampleId, GroupId } from "../examples/index";
import type { DeviceChoice, Language, RunState } from "../protocol";

/** Every word the page shows. A translation is another object of this type. */

const examples: Record<ExampleId, { title: string; about: string }> = {
  xor: { title: "XOR", about: "Four points, one hidden layer" },
  "one-layer": { title: "XOR, one layer", about: "Why it cannot learn, and two lines that help" },
  moons: { title: "Moons", about: "A curved boundary between two classes" },
  micrograd: { title: "micrograd", about: "Gradients, one number at a time, in a graph" },
  "micrograd-moons": { title: "micrograd: moons", about: "337 single numbers learn a curved boundary" },
  scratch: { title: "A network from scratch", about: "Tensors, gradients, and SGD written by hand" },
  "static-graph": { title: "Static graph", about: "Write it down first, run it later: a mini TensorFlow" },
  "mnist-mlp": { title: "Digits: small network", about: "784-128-10 on handwritten digits" },
  "mnist-cnn": { title: "Digits: convolutions", about: "Two filters deep, sees strokes anywhere" },
  "beautiful-mnist": { title: "beautiful_mnist", about: "tinygrad's network with batch norm and jit" },
  resnet: { title: "ResNet", about: "Residual blocks with batch norm on digits" },
  autoencoder: { title: "Denoising autoencoder", about: "Cleans digits it never saw" },
  mamba: { title: "Mamba", about: "A memory that chooses what to keep" },
  cartpole: { title: "CartPole", about: "Learning to balance by trial and error" },
};

const groups: Record<GroupId, string> = {
  begin: "First steps",
  images: "Images",
  graphs: "Graphs",
  sequences: "Text and sequences",
  acting: "Acting",
  engine: "Kernels and models",
};

const languages: Record<Language, string> = { typescript: "TypeScript", python: "Python" };

const devices: Record<DeviceChoice, { name: string; about: string }> = {
  auto: { name: "Auto", about: "The best device for the program" },
  webgpu: { name: "WebGPU", about: "The graphics processor" },
  cpu: { name: "CPU", about: "WebAssembly on the processor" },
};

const states: Record<RunState | "idle" | "loading" | "pausing", string> = {
  idle: "Ready",
  loading: "Loading",
  running: "Running",
  pausing: "Pausing",
  paused: "Paused",
  done: "Finished",
  stopped: "Stopped",
  failed: "Failed",
};

export const text = {
  title: "playgrad",
  skip: "Skip to the editor",
  examples,
  groups,
  languages,
  devices,
  states,
  bar: {
    gallery: "Examples",
    run: "Run",
    rerun: "Restart",
    pause: "Pause",
    resume: "Resume",
    step: "Step",
    stop: "Stop",
    speed: "Speed",
    unlimited: "max",
    perSecond: (n: number) => `${n}/s`,
    perSecondLong: (n: number) => `${n} steps a second`,
    unlimitedLong: "as fast as it goes",
    device: "Device",
    bench: "Measure the speed of this device",
    share: "Share",
    shared: "Link copied",
    sharedInAddress: "The link is in the address bar: copy it from there",
    export: "Export",
    exports: {
      html: { title: "Web page", about: "One HTML file with the engine in it; works offline" },
      project: { title: "npm project", about: "A zip for Node; what is plotted goes to metrics.csv" },
      python: { title: "Python file", about: "With tinygrad installed: python FILE, without the panels" },
    },
    exportFailed: (reason: string) => `Could not export: ${reason}`,
    reset: "Reset to example",
    resetAsk: "Replace your version with the original example?",
    theme: "Theme",
    themes: { system: "System", light: "Light", dark: "Dark" },
    reference: "Reference of all methods",
    help: "Keyboard and help",
    seed: "Seed",
    seedHint: "The same seed gives the same numbers on every device",
    more: "More",
    unavailable: "not available",
  },
  status: {
    step: (step: string, total: string | null) => (total ? `step ${step} of ${total}` : `step ${step}`),
    rate: (rate: string) => `${rate} steps/s`,
    memory: (size: string) => `${size} on device`,
  },
  tabs: { label: "Views", lesson: "Lesson", code: "Code", live: "Live", console: "Console" },
  editor: {
    label: "Program",
    files: { typescript: "main.ts", python: "main.py" } satisfies Record<Language, string>,
    language: "Language of the program",
    replaceAsk: (language: string) => `Replace your ${language} version of this example with this program?`,
    languageHint: "Each language keeps its own version of the example (Alt+P)",
    saved: "Saved in this browser",
    original: "Example as it comes",
    link: "From a link, not saved",
    edited: "Edited since the last run",
    escape: "Press Escape, then Tab, to leave the editor.",
    lesson: "Lesson",
    also: (names: readonly string[]) => `also called ${names.join(", ")}`,
    reference: "Open in the reference",
  },
  panels: {
    label: "Live panels",
    none: "Panels appear here when the program asks for them",
    noneCode: { typescript: "plot({ loss })", python: "plot(loss=loss)" } satisfies Record<Language, string>,
    waiting: "Waiting for the first values",
    boundary: "Decision boundary",
    weights: "Weights",
    graph: "Graph",
    predictions: "Predictions",
    draw: "Draw a digit",
    scene: "Scene",
    images: "Images",
    sliders: "Sliders",
    data: "Data",
    close: "Close",
  },
  chart: {
    logScale: "Log scale",
    log: "log y",
    step: "step",
    time: "time",
    axis: "Horizontal axis",
    smoothing: "Smoothing",
    csv: "CSV",
    csvLong: "Download all values as CSV",
    png: "PNG",
    pngLong: "Download the charts as a PNG picture",
    seconds: (s: string) => `${s} s`,
    at: (where: string) => `at ${where}`,
    earlier: (n: number) => (n === 1 ? "1 earlier run" : `${n} earlier runs`),
    summary: (name: string, last: string, step: number, first: string, low: string, high: string) =>
      `${name}: ${last} at step ${step}; began at ${first}; lowest ${low}, highest ${high}.`,
    empty: (name: string) => `${name}: no values yet.`,
  },
  boundary: {
    summary: (correct: number, total: number) => `${correct} of ${total} right`,
    alt: (correct: number, total: number) =>
      `The plane coloured by the model's answer, with ${total} training points; ${correct} of them on the right side.`,
    legend: (label: number) => `class ${label}`,
  },
  graph: {
    data: "data",
    grad: "grad",
    shape: "shape",
    value: "value",
    back: "Back",
    forward: "Forward",
    whole: "Whole",
    wholeLong: "The gradients as the program has them",
    at: (done: number, total: number) => `${done} of ${total}`,
    in: "Zoom in",
    out: "Zoom out",
    fit: "Fit",
    count: (nodes: number, more: boolean) => (more ? `nearest ${nodes} nodes` : `${nodes} nodes`),
    summary: (nodes: number, more: boolean, result: string) =>
      `Graph of ${nodes} nodes${more ? ", the nearest to the result" : ""}; the result is ${result}.`,
    keys: "Left and right arrows step through the backward pass, Shift and arrows move, plus and minus zoom, 0 fits.",
    moveKeys: "Arrows move, plus and minus zoom, 0 fits.",
    hint: "Forward steps through the backward pass, one node at a time.",
    start: "The start: the result moves as much as itself, so its gradient is 1. All others are 0.",
    rules: {
      "+": "adds: each part gets the gradient as it is.",
      "*": "multiplies: each factor gets the gradient times the other factor.",
      "**": "is a power n: its base gets the gradient times n times the base to the power n − 1.",
      "w·x+b": "is a weighted sum: a weight gets the gradient times its input, an input times its weight.",
      ReLU: "lets the gradient through where its input is above 0, and stops it where not.",
      tanh: "passes the gradient on times 1 − tanh², less the flatter it is.",
      exp: "passes the gradient on times itself.",
    } as Record<string, string>,
    anyRule: "passes the gradient on times its slope.",
    flow: (name: string, slope: string, out: string, before: string, after: string) =>
      `gradient of ${name}: ${before} + ${slope} × ${out} = ${after}`,
    asText: "The graph as text",
    line: (label: string, op: string, inputs: string[], values: string[]) => {
      const made = op === "" ? "" : `${op} of ${inputs.join(", ")}`;
      return [[label, made].filter((word) => word !== "").join(" = "), ...values]
        .filter((word) => word !== "")
        .join("; ");
    },
  },
  weights: {
    count: (shown: number, total: number) =>
      shown === total ? `${total} images` : `first ${shown} of ${total}`,
    alt: (label: string, count: number, h: number, w: number, most: string) =>
      `${label}: ${count} images of ${h} by ${w} weights, from −${most} in blue to ${most} in orange.`,
  },
  predictions: {
    summary: (right: number, total: number) => `${right} of ${total} right`,
    right: (label: number) => `${label}, right`,
    wrong: (guess: number, label: number) => `said ${guess}, is ${label}: wrong`,
  },
  images: {
    row: (name: string, count: number) => `${name}: ${count} images`,
  },
  draw: {
    pad: "Drawing pad. Draw with the pointer, or with the arrow keys while Space is on.",
    clear: "Clear",
    hint: "Draw here",
    keys: "Arrow keys move, Space draws",
    gone: "Run the program again to draw: its model is gone.",
    answer: (digit: number, percent: string) => `Looks like ${digit}, ${percent}`,
    bars: "Probability of each digit",
  },
  data: {
    digits: "Generated digits, made on the spot",
    mnist: "Real MNIST",
    counts: (train: string, test: string) => `${train} to learn from, ${test} to test on`,
    useMnist: "Use real MNIST",
    useMnistHint: "11 MB, kept in this browser",
    useDigits: "Use generated digits",
    drop: "or drop the four .gz files here",
    choose: "choose files",
    loading: (what: string, percent: string) => `${what} · ${percent}`,
    failed: (reason: string) =>
      `Could not download MNIST (${reason}). Drop the four .gz files here, or try again.`,
  },
  console: {
    label: "Console",
    empty: {
      typescript: "print(…) and console.log(…) write here",
      python: "print(…) writes here",
    } satisfies Record<Language, string>,
    clear: "Clear",
    latest: (line: string) => `Console: ${line}`,
  },
  errors: {
    looksLike: (language: string) => `This looks like ${language}.`,
    runAs: (language: string) => `Run as ${language}`,
    at: (line: number) => `line ${line}`,
    goTo: (line: number) => `Go to line ${line}`,
    op: "op",
    got: "got",
    expected: "expected",
    fix: "fix",
    dismiss: "Dismiss",
    titles: {
      syntax: "This line cannot be read",
      runtime: "The program stopped with an error",
      engine: "An operation does not fit",
      device: "The device cannot do this",
      data: "The data cannot be read",
      load: "The engine did not load",
    },
    syntaxFix: "Look for a missing bracket, comma or quote at this place or just before it.",
    unknownModule: (name: string) => `There is no module "${name}" here`,
    unknownModuleFix: (names: string[]) =>
      `Import from ${names.map((n) => `"${n}"`).join(" or ")}, or from a full https:// address.`,
    noExport: (module: string, name: string) => `"${module}" has nothing named ${name}`,
    noExportFix: (close: string | undefined) =>
      close ? `Did you mean ${close}?` : 'Check the spelling; write "type" before the name if it is a type.',
    loadFix: "Reload the page. Your code is kept. If it stays, use a newer browser.",
    workerDied: "The worker that runs programs stopped by itself, perhaps out of memory",
    workerFix: "Use smaller tensors or batches, then run again. Your code is kept.",
    pauseUnheard: {
      typescript: "Pause and Step act in loops written as: for await (const i of steps(1000))",
      python: "Pause and Step act between optimizer steps, and in loops written as: for i in steps(1000)",
    } satisfies Record<Language, string>,
    loadingStopped: "Loading was stopped. Run starts it again.",
    forced: "Stopped. The program did not answer, so its worker was replaced.",
  },
  python: {
    loading: "Loading Python",
    starting: "Starting Python",
    failed: (reason: string) => `Python could not be loaded (${reason})`,
    failedFix: "Check the connection and run again. Your code is kept.",
    missing: (name: string) =>
      `There is no ${name} here. Programs can import tinygrad, micrograd, minitf, mamba, cartpole, playground and Python's own library; NumPy and other packages of Pyodide are downloaded when a program imports them.`,
    noPackage: (reason: string) => `A package could not be downloaded; are you offline? (${reason})`,
    mainFile: "main.py",
  },
  shared: {
    title: "This program came from a link",
    body: "Read it first: it runs in your browser. Your own version of the example is kept.",
    run: "Run this code",
    discard: "Discard it",
    broken: "The link could not be read. Here is the example in its place.",
  },
  help: {
    title: "Keyboard",
    close: "Close",
    keys: {
      run: "Run, or restart",
      stop: "Stop",
      step: "One step",
      share: "Copy a link to this program",
      escape: "Leave the editor with Tab",
      help: "This list",
      language: "TypeScript or Python",
      docs: "What the word at the cursor does",
      search: "Find in the program",
      comment: "Comment or uncomment",
    },
    about:
      "Programs are TypeScript, JavaScript or Python. In Python, tensors, layers and optimisers come from “tinygrad”; in TypeScript from “playgrad”. Panels come from “playground” in both. Everything runs in this browser; nothing is sent anywhere.",
  },
  resize: { panels: "Width of the editor", console: "Height of the console" },
};

export type Text = typeof text;
