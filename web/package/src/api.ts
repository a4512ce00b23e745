export { checkpoint, type Differentiable, gradcheck, hvp, jvp, vjp, type Worst } from "./autodiff.js";
export * as data from "./data.js";
export {
  type Counters,
  counters,
  type DeviceChoice,
  type DeviceInfo,
  device,
  devices,
  type InitOptions,
  init,
  type Memory,
  manualSeed,
  memory,
  setDevice,
} from "./devices.js";
export type { DType, DTypeLike, TypedArray } from "./dtype.js";
export type { WasmSource } from "./engine.js";
export {
  ArgumentError,
  DataError,
  DeviceError,
  DTypeError,
  InternalError,
  KernelError,
  PlaygradError,
  ShapeError,
} from "./errors.js";
export type { Nested } from "./handle.js";
export { jit, type Step } from "./jit.js";
export * as nn from "./nn.js";
export * as optim from "./optim.js";
export {
  type FileSource,
  loadSafetensors,
  loadTorch,
  openSafetensors,
  SafetensorsFile,
  saveSafetensors,
} from "./safetensors.js";
export type { Axes, Shape } from "./shape.js";
export { Tensor, type TensorData, type TensorOptions, tensor } from "./tensor.js";
export type { ConvOptions, FillOptions, Index, Operand, PoolOptions, ReduceOptions, Slice } from "./types.js";
