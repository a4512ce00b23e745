import { tensor } from "playgrad";
import { plot, print, steps } from "playground";

// How much does the answer move when one number moves?
const a = tensor(2);
const b = tensor(-3);
const answer = a.mul(b).add(10).relu().pow(2);
const [byA, byB] = answer.gradient([a, b]);
print("answer", answer);
print("moving a", byA, "moving b", byB);

// A line through four points, two numbers to find.
const x = tensor([-1, 0, 1, 2]);
const y = tensor([-1.2, 0.9, 3.1, 5.2]);
const slope = tensor(0);
const start = tensor(0);

for await (const _ of steps(60)) {
  const loss = x.mul(slope).add(start).sub(y).square().mean();

  const [bySlope, byStart] = loss.gradient([slope, start]);
  slope.assign(slope.sub(bySlope!.mul(0.1)));
  start.assign(start.sub(byStart!.mul(0.1)));
  plot({ loss, slope, start });
}

print("y =", slope, "x +", start);
