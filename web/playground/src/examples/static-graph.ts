import { data, Tensor } from "playgrad";
import * as tf from "playgrad/minitf";
import { boundary, graph, plot, print, steps } from "playground";

const moons = data.moons({ n: 200, noise: 0.12, seed: 7 });
const points = moons.x;
const sides = moons.y.float().reshape(-1, 1);

// First the graph. Nothing is computed yet.
const x = tf.placeholder("x");
const y = tf.placeholder("y");
const w1 = new tf.Variable(Tensor.randn(2, 16), "w1");
const b1 = new tf.Variable(Tensor.randn(16), "b1");
const w2 = new tf.Variable(Tensor.randn(16, 1).mul(0.25), "w2");
const b2 = new tf.Variable(0, "b2");

const hidden = tf.relu(tf.add(tf.matmul(x, w1), b1));
const guess = tf.sigmoid(
  tf.add(tf.matmul(hidden, w2), b2),
  "guess",
);
const loss = tf.reduceMean(tf.square(tf.subtract(guess, y)));
const train = new tf.GradientDescentOptimizer(2).minimize(loss);

// How an operation is derived may be told: (a²)' = 2a.
tf.registerGradient("square", (op, gradient) =>
  gradient.mul(op.inputs[0]!).mul(2),
);

// Then it runs, with data for the placeholders.
const session = new tf.Session();
graph(loss, "The loss as a graph");
const answer = (x_: Tensor) => session.run(guess, [[x, x_]]);
boundary(answer, { x: points, y: moons.y });

for await (const step of steps(600)) {
  const feed: tf.Feed = [
    [x, points],
    [y, sides],
  ];
  const [, error, p] = session.run([train, loss, guess], feed);
  const right = p!.gt(0.5).float().eq(sides);
  plot({ loss: error!, accuracy: right.float().mean() });
  if (step % 100 === 99) print("step", step + 1, "loss", error);
}
