import { data, nn, optim } from "playgrad";
import { boundary, plot, print } from "playground";
import { slider, steps } from "playground";

const { x, y } = data.xor();

const model = new nn.Sequential(
  new nn.Linear(2, 8),
  (t) => t.tanh(),
  new nn.Linear(8, 1),
  (t) => t.sigmoid(),
);
const optimizer = new optim.Adam(nn.parameters(model));

const range = { min: 0.002, max: 0.1, value: 0.01 };

boundary(model, { x, y });

for await (const step of steps(600)) {
  optimizer.lr = slider("learning rate", range);

  const loss = model.forward(x).mse(y);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();

  plot({ loss });
  if (step % 100 === 0) print("step", step, "loss", loss);
}

print("The four answers (wanted: 0 1 1 0):");
print(model.forward(x));
