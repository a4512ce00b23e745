import { data, nn, optim, type Tensor, tensor } from "playgrad";
import { boundary, plot, print, steps } from "playground";

const { x, y } = data.xor();

const layers = [new nn.Linear(2, 1)];
// const layers = [new nn.Linear(2, 8), (t) => t.tanh(), new nn.Linear(8, 1)];

const model = new nn.Sequential(...layers);
const parameters = nn.parameters(model);
const optimizer = new optim.Adam(parameters, { lr: 0.1 });

boundary((x: Tensor) => model.forward(x).sigmoid(), { x, y });

let loss = tensor(0);
for await (const _ of steps(300)) {
  const guess = model.forward(x).sigmoid();
  loss = guess.mse(y);
  loss.backward();
  optimizer.step();
  optimizer.zeroGrad();
  plot({ loss });
}

print("loss", loss);
print("The answer for 0, 0 (wanted: 0):");
print(model.forward(tensor([[0, 0]])));
// print(model.forward(tensor([[0, 0]])).sigmoid());
