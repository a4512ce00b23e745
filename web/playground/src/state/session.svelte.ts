import type { DeviceInfo } from "playgrad";
import { untrack } from "svelte";
import { type ExampleId, examples, isExampleId } from "../examples/index";
import { download } from "../panels/download";
import type {
  DataSource,
  DeviceChoice,
  Language,
  ProgramError,
  Progress,
  SliderSpec,
  TextSpec,
  View,
} from "../protocol";
import type { Runner, RunnerEvent } from "../runner/client";
import { text } from "../text/en";
import { otherLanguage } from "./guess";
import { Journal } from "./journal.svelte";
import { settings, type Theme } from "./settings";
import { decodeShared, encodeShared, isShared } from "./share";

export type Status = "loading" | "idle" | "running" | "pausing" | "paused" | "done" | "stopped" | "failed";
export type Origin = "example" | "saved" | "link";

const quiet: Progress = { step: 0, total: 0, stepsPerSecond: 0, bytes: 0 };
const pauseHint = 1200;

/** Everything the page shows, and what can be done to it. Components read it and call its methods. */
export class Session {
  readonly runner: Runner;
  readonly journal = new Journal();

  example = $state<ExampleId>("xor");
  language = $state<Language>(settings.language());
  code = $state("");
  origin = $state<Origin>("example");
  ranCode = $state("");
  /** Changes when the editor must take `code` as its new document. */
  document = $state(0);

  status = $state<Status>("loading");
  progress = $state.raw<Progress>(quiet);
  device = $state.raw<DeviceInfo | null>(null);
  devices = $state.raw<DeviceInfo[]>([]);
  names = $state.raw<Record<string, string[]>>({});
  choice = $state<DeviceChoice>(settings.device());
  seed = $state(settings.seed());
  speed = $state(100);
  theme = $state<Theme>(settings.theme());

  views = $state.raw<Record<string, View>>({});
  sliders = $state.raw<SliderSpec[]>([]);
  inputs = $state.raw<TextSpec[]>([]);
  probabilities = $state.raw<Float32Array | null>(null);
  modelAlive = $state(false);
  /** Models of the program whose weights can be saved. */
  models = $state.raw<readonly string[]>([]);
  source = $state.raw<DataSource>({ kind: "digits" });
  loading = $state.raw<{ fraction: number; what: string } | null>(null);
  pythonLoading = $state.raw<{ fraction: number; what: string } | null>(null);
  dataProblem = $state<string | null>(null);

  error = $state.raw<ProgramError | null>(null);
  notice = $state<string | null>(null);

  /** Set by the editor: puts the cursor on a line. */
  jump: (line: number, column?: number) => void = () => undefined;

  /** The example and the language that panels and charts are of. */
  #shown = "";
  #stale = new Set<string>();
  #staleSliders = new Set<string>();
  #staleInputs = new Set<string>();
  #sliderValues: Record<string, number> = {};
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #pauseTimer: ReturnType<typeof setTimeout> | undefined;
  #hidden: string[] = [];

  /** The example as it comes. */
  original = $derived(examples[this.example].code[this.language]);
  /** The language that a program which cannot be read seems to be in. */
  meant = $derived(this.error?.kind === "syntax" ? otherLanguage(this.ranCode, this.language) : null);
  /** The program is asked for, and the engine or Python is on its way. */
  starting = $derived(this.status === "loading" && this.ranCode !== "");
  active = $derived(this.status === "running" || this.status === "paused" || this.status === "pausing");

  constructor(runner: Runner) {
    this.runner = runner;
    addEventListener("pagehide", () => this.#save());
  }

  /** Shows what the address or this browser remembers; an untouched example starts by itself. */
  async open(hash: string): Promise<void> {
    this.runner.listen((event) => this.#receive(event));
    if (isShared(hash)) {
      const shared = await decodeShared(hash);
      history.replaceState(null, "", location.pathname + location.search);
      if (shared) {
        this.#speak(shared.language);
        this.#show(shared.example, shared.code, "link");
        this.seed = shared.seed;
        this.choice = shared.device;
        this.runner.useDevice(shared.device);
        return;
      }
    }
    const remembered = settings.example();
    this.openExample(isExampleId(remembered) ? remembered : "xor");
    if (isShared(hash)) this.say(text.shared.broken);
  }

  openExample(id: ExampleId): void {
    this.#save();
    this.#open(id);
  }

  /** The same example in the other language, with its own saved edits. */
  setLanguage(language: Language): void {
    if (language === this.language || this.origin === "link") return;
    this.#save();
    settings.setLanguage(language);
    this.#speak(language);
    this.#open(this.example);
  }

  /** A program pasted in the other language's place goes to its own, and runs. */
  runAs(language: Language): void {
    const { code, example } = this;
    if (
      settings.code(example, language) !== null &&
      !confirm(text.editor.replaceAsk(text.languages[language]))
    )
      return;
    settings.setCode(example, language, code);
    this.setLanguage(language);
    this.run();
  }

  #open(id: ExampleId): void {
    const saved = settings.code(id, this.language);
    this.#show(id, saved ?? examples[id].code[this.language], saved === null ? "example" : "saved");
    settings.setExample(id);
    if (saved === null) this.run();
    else this.stop();
  }

  #speak(language: Language): void {
    this.language = language;
    this.error = null;
    this.pythonLoading = null;
    this.runner.useLanguage(language);
  }

  #show(id: ExampleId, code: string, origin: Origin): void {
    const shown = `${id} ${this.language}`;
    const changed = shown !== this.#shown;
    this.#shown = shown;
    this.example = id;
    this.code = code;
    this.origin = origin;
    this.document++;
    // Before the first run it tells what did not load.
    if (this.ranCode !== "") this.error = null;
    if (changed || this.ranCode === "") {
      this.speed = examples[id].speed;
      this.views = {};
      this.sliders = [];
      this.#sliderValues = {};
      this.inputs = [];
      this.models = [];
      this.source = without(this.source);
      this.probabilities = null;
      this.progress = quiet;
      this.journal.clear();
    }
  }

  /** The code without making its reader depend on it. */
  currentCode(): string {
    return untrack(() => this.code);
  }

  edit(code: string): void {
    this.code = code;
    if (this.origin === "link") return;
    this.origin = code === this.original ? "example" : "saved";
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => this.#save(), 300);
  }

  #save(): void {
    clearTimeout(this.#saveTimer);
    if (this.origin === "link" || this.code === "") return;
    settings.setCode(this.example, this.language, this.origin === "example" ? null : this.code);
  }

  reset(): void {
    this.edit(this.original);
    this.#save();
    this.document++;
    this.run();
  }

  /** The person has read a program from a link and wants it. */
  acceptLink(): void {
    this.origin = "saved";
    settings.setExample(this.example);
    settings.setLanguage(this.language);
    this.run();
  }

  discardLink(): void {
    this.origin = "example";
    this.code = "";
    this.#speak(settings.language());
    this.seed = settings.seed();
    this.setDevice(settings.device());
    this.openExample(this.example);
  }

  run(paused = false): void {
    if (this.origin === "link") return;
    this.#save();
    this.error = null;
    this.notice = null;
    this.ranCode = this.code;
    this.status = "loading";
    this.#loseModels();
    this.probabilities = null;
    this.progress = quiet;
    this.#stale = new Set(Object.keys(this.views));
    this.#staleSliders = new Set(this.sliders.map(({ name }) => name));
    this.#staleInputs = new Set(this.inputs.map(({ name }) => name));
    this.journal.nextRun();
    this.runner.run({
      language: this.language,
      code: this.code,
      device: this.choice,
      seed: this.seed,
      speed: this.speed,
      paused,
      sliders: this.#sliderValues,
      texts: settings.texts(this.example),
      source: this.source,
    });
    this.runner.tell({ type: "hidden", ids: this.#hidden });
  }

  pause(): void {
    this.status = "pausing";
    this.runner.tell({ type: "pause" });
    this.#expectPause();
  }

  resume(): void {
    this.status = "running";
    this.runner.tell({ type: "resume" });
  }

  step(): void {
    if (!this.active) {
      this.run(true);
      this.runner.tell({ type: "step" });
      return;
    }
    this.runner.tell({ type: "step" });
    if (this.status === "running") {
      this.status = "pausing";
      this.#expectPause();
    }
  }

  stop(): void {
    if (this.active || this.starting) this.runner.stop();
  }

  #expectPause(): void {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(() => {
      if (this.status !== "pausing") return;
      this.status = "running";
      this.say(text.errors.pauseUnheard[this.language]);
    }, pauseHint);
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    this.runner.tell({ type: "speed", speed });
  }

  setSlider(name: string, value: number): void {
    this.#sliderValues[name] = value;
    this.sliders = this.sliders.map((slider) => (slider.name === name ? { ...slider, value } : slider));
    this.runner.tell({ type: "slider", name, value });
  }

  setText(name: string, value: string): void {
    settings.setTexts(this.example, { ...settings.texts(this.example), [name]: value });
    this.inputs = this.inputs.map((input) => (input.name === name ? { ...input, value } : input));
    this.runner.tell({ type: "text", name, value });
  }

  setDevice(choice: DeviceChoice): void {
    if (choice === this.choice) return;
    this.choice = choice;
    if (this.origin !== "link") settings.setDevice(choice);
    this.runner.useDevice(choice);
    if (this.active) this.run();
  }

  setSeed(seed: number): void {
    this.seed = seed;
    settings.setSeed(seed);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    settings.setTheme(theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  setHidden(ids: string[]): void {
    this.#hidden = ids;
    this.runner.tell({ type: "hidden", ids });
  }

  sendDigit(id: string, pixels: Float32Array): void {
    this.runner.tell({ type: "digit", id, pixels });
  }

  async useSource(
    find: (onProgress: (fraction: number, what: string) => void) => Promise<DataSource>,
  ): Promise<void> {
    this.dataProblem = null;
    try {
      const { model } = this.source;
      const found = await find((fraction, what) => {
        this.loading = { fraction, what };
      });
      this.source = model ? { ...found, model } : found;
      this.loading = null;
      this.run();
    } catch (error) {
      this.loading = null;
      this.dataProblem = error instanceof Error ? error.message : String(error);
    }
  }

  /** A file for programs that ask for one with `modelFile`. */
  useModel(model: File | undefined): void {
    this.source = model ? { ...this.source, model } : without(this.source);
    this.run();
  }

  async share(): Promise<void> {
    const { language, code, example, choice: device, seed } = this;
    const hash = await encodeShared({ language, code, example, device, seed });
    const link = location.origin + location.pathname + hash;
    try {
      await navigator.clipboard.writeText(link);
      this.say(text.bar.shared);
    } catch {
      history.replaceState(null, "", hash);
      this.say(text.bar.sharedInAddress);
    }
  }

  /** The program as a file that runs without this page. */
  async export(kind: "html" | "project" | "python"): Promise<void> {
    const { code, seed, choice: device, example } = this;
    const { title } = text.examples[example];
    if (kind === "python") {
      download(`${example}.py`, new Blob([code], { type: "text/x-python" }));
      return;
    }
    try {
      const { asHtml, asProject } = await import("../export/export");
      const program = { title, code, seed, device };
      if (kind === "html") download(`${example}.html`, await asHtml(program));
      else download(`${example}.zip`, asProject(program));
    } catch (error) {
      this.say(text.bar.exportFailed(error instanceof Error ? error.message : String(error)));
    }
  }

  /** Asks the program for a model's weights; the file comes when its step is done. */
  saveWeights(name: string): void {
    this.say(text.bar.weightsAsked);
    this.runner.tell({ type: "save", name });
  }

  say(words: string): void {
    this.notice = words;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.notice = null;
    }, 6000);
  }

  #receive(event: RunnerEvent): void {
    switch (event.type) {
      case "ready":
        this.names = event.names;
        this.device = event.device;
        if (this.status === "loading" && this.origin === "link") this.status = "idle";
        if (this.status === "loading" && this.ranCode === "") this.status = "idle";
        return;
      case "devices":
        this.devices = event.devices;
        return;
      case "python":
        this.pythonLoading = event.fraction < 1 ? { fraction: event.fraction, what: event.what } : null;
        return;
      case "broken":
        this.status = "failed";
        this.pythonLoading = null;
        this.error = { ...event.error, fix: event.error.fix ?? text.errors.loadFix };
        return;
      case "device":
        this.device = event.device;
        return;
      case "started":
        this.status = "running";
        this.modelAlive = true;
        return;
      case "state":
        clearTimeout(this.#pauseTimer);
        this.status = event.state;
        if (!this.active) this.#endRun();
        return;
      case "progress":
        this.progress = event.progress;
        return;
      case "points":
        this.journal.add(event.points);
        return;
      case "view":
        this.#stale.delete(event.view.id);
        this.views = { ...this.views, [event.view.id]: event.view };
        return;
      case "probabilities":
        this.probabilities = event.values;
        return;
      case "models":
        this.models = event.names;
        return;
      case "weights": {
        const file = `${this.example}-${event.name}.safetensors`;
        download(file, new Blob([event.file]));
        this.say(text.bar.weightsSaved(file, event.tensors, event.numbers));
        return;
      }
      case "unsaved":
        this.say(text.bar.weightsUnsaved(event.name, event.reason));
        return;
      case "slider": {
        this.#staleSliders.delete(event.slider.name);
        const others = this.sliders.filter((slider) => slider.name !== event.slider.name);
        this.sliders = [...others, event.slider];
        return;
      }
      case "text": {
        this.#staleInputs.delete(event.input.name);
        const others = this.inputs.filter((input) => input.name !== event.input.name);
        this.inputs = [...others, event.input];
        return;
      }
      case "log":
        this.journal.log(event.level, event.text, event.replace);
        return;
      case "error":
        this.error = event.error;
        if (this.source.kind === "mnist" && isOf(this.source.files, event.error)) {
          const { model } = this.source;
          this.dataProblem = event.error.message;
          this.source = { kind: "digits", ...(model && { model }) };
        }
        return;
      case "died":
        this.status = "failed";
        this.pythonLoading = null;
        this.#loseModels();
        this.error = {
          kind: "load",
          name: "WorkerError",
          message: text.errors.workerDied,
          fix: text.errors.workerFix,
        };
        this.#endRun();
        return;
      case "forced":
        this.say(this.starting ? text.errors.loadingStopped : text.errors.forced);
        this.status = "stopped";
        this.pythonLoading = null;
        this.#loseModels();
        this.#endRun();
        return;
    }
  }

  #loseModels(): void {
    this.modelAlive = false;
    this.models = [];
  }

  #endRun(): void {
    this.journal.endRun();
    if (this.status === "failed") return;
    if (this.#stale.size > 0)
      this.views = Object.fromEntries(Object.entries(this.views).filter(([id]) => !this.#stale.has(id)));
    this.sliders = this.sliders.filter(({ name }) => !this.#staleSliders.has(name));
    this.inputs = this.inputs.filter(({ name }) => !this.#staleInputs.has(name));
    this.#stale.clear();
  }
}

function without({ model: _, ...source }: DataSource): DataSource {
  return source as DataSource;
}

/** The error is about one of the files of a data set. */
const isOf = (files: File[], { kind, op }: ProgramError) =>
  kind === "data" && (op === "mnist" || files.some(({ name }) => name === op));
