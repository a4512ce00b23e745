import { Writer } from "protobufjs/minimal";

/** Builds small ONNX models (IR 8, opset 17): field numbers are those of onnx.proto. */

const FLOAT = 1;
const INT64 = 7;

const message = (writer, field, fill) => {
  writer.uint32((field << 3) | 2).fork();
  fill(writer);
  writer.ldelim();
};
const text = (writer, field, value) => writer.uint32((field << 3) | 2).string(value);
const whole = (writer, field, value) => writer.uint32(field << 3).int64(value);

function attribute(writer, name, value) {
  text(writer, 1, name);
  if (Array.isArray(value)) {
    for (const one of value) whole(writer, 8, one);
    whole(writer, 20, 7);
  } else if (Number.isInteger(value)) {
    whole(writer, 3, value);
    whole(writer, 20, 2);
  } else {
    writer.uint32((2 << 3) | 5).float(value);
    whole(writer, 20, 1);
  }
}

function node(writer, { op, inputs, outputs, attributes = {} }) {
  for (const name of inputs) text(writer, 1, name);
  for (const name of outputs) text(writer, 2, name);
  text(writer, 4, op);
  for (const [name, value] of Object.entries(attributes))
    message(writer, 5, (inner) => attribute(inner, name, value));
}

function constant(writer, name, { shape, values }) {
  for (const size of shape) whole(writer, 1, size);
  whole(writer, 2, values instanceof BigInt64Array ? INT64 : FLOAT);
  text(writer, 8, name);
  writer.uint32((9 << 3) | 2).bytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function value(writer, name, shape) {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      whole(tensor, 1, FLOAT);
      message(tensor, 2, (dims) => {
        for (const size of shape) message(dims, 1, (dim) => whole(dim, 1, size));
      });
    }),
  );
}

/** Bytes of a model from `x` to `y` with these nodes and constants. */
export function onnxModel({ nodes, constants, input, output }) {
  const writer = Writer.create();
  whole(writer, 1, 8);
  message(writer, 7, (graph) => {
    for (const one of nodes) message(graph, 1, (inner) => node(inner, one));
    text(graph, 2, "bench");
    for (const [name, one] of Object.entries(constants))
      message(graph, 5, (inner) => constant(inner, name, one));
    message(graph, 11, (inner) => value(inner, "x", input));
    message(graph, 12, (inner) => value(inner, "y", output));
  });
  message(writer, 8, (opset) => whole(opset, 2, 17));
  return writer.finish();
}
