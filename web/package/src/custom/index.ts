/** Kernels that a program writes: a text for each target and a gradient of one's own, and what checks them. */

export { type CustomKernel, customKernel, type Elements, type KernelOptions } from "./kernel.js";
export { type Check, gradcheck, opcheck, Report } from "./opcheck.js";
