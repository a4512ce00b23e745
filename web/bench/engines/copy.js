/** A plain memory copy of as many bytes: what bounds the operations that compute little. */

function onCpu(x) {
  const to = new Float32Array(x.length);
  return {
    step: () => to.set(x),
    values: async () => to.slice(-4),
  };
}

async function onGpu(x) {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("no WebGPU adapter here");
  const device = await adapter.requestDevice();
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [from, to] = [0, 1].map(() => device.createBuffer({ size: x.byteLength, usage }));
  const read = device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  device.queue.writeBuffer(from, 0, x);
  const copy = (source, offset, target, size) => {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, offset, target, 0, size);
    device.queue.submit([encoder.finish()]);
  };
  return {
    step: () => copy(from, 0, to, x.byteLength),
    async values() {
      copy(to, x.byteLength - 16, read, 16);
      await read.mapAsync(GPUMapMode.READ);
      const values = new Float32Array(read.getMappedRange().slice(0));
      read.unmap();
      return values;
    },
  };
}

export const create = (device, _mode, _one, _weights, [{ x }]) => (device === "cpu" ? onCpu(x) : onGpu(x));
