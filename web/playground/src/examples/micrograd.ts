import { sum, Value } from "playgrad/micrograd";
import { graph, plot, print, steps } from "playground";

// Every number remembers what it was made of.
const a = new Value(2, "a");
const b = new Value(-3, "b");
const answer = a.mul(b).add(10).relu().pow(2);
answer.label = "answer";
answer.backward();

graph(answer, "answer = relu(a · b + 10)²");
print("answer", answer.data);
print("moving a", a.grad, "moving b", b.grad);

// A line through four points: two numbers to find.
const x = [-1, 0, 1, 2];
const y = [-1.2, 0.9, 3.1, 5.2];
const slope = new Value(0, "slope");
const start = new Value(0, "start");

for await (const _ of steps(60)) {
  const errors = x.map((x, i) =>
    slope.mul(x).add(start).sub(y[i]!).pow(2),
  );
  const loss = sum(errors).div(4);
  loss.label = "loss";

  slope.grad = start.grad = 0;
  loss.backward();
  slope.data -= 0.1 * slope.grad;
  start.data -= 0.1 * start.grad;

  graph(loss, "loss of the line");
  plot({ loss: loss.data, slope: slope.data, start: start.data });
}

print("y =", slope.data.toFixed(2), "x +", start.data.toFixed(2));
