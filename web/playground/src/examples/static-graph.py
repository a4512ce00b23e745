import minitf as tf
from playground import boundary, graph, moons, plot, steps
from tinygrad import Tensor

points, classes = moons(n=200, noise=0.12, seed=7)
sides = classes.float().reshape(-1, 1)

# First the graph. Nothing is computed yet.
x = tf.placeholder("x")
y = tf.placeholder("y")
w1 = tf.Variable(Tensor.randn(2, 16), "w1")
b1 = tf.Variable(Tensor.randn(16), "b1")
w2 = tf.Variable(Tensor.randn(16, 1) * 0.25, "w2")
b2 = tf.Variable(0, "b2")

hidden = tf.relu(tf.add(tf.matmul(x, w1), b1))
guess = tf.sigmoid(tf.add(tf.matmul(hidden, w2), b2), "guess")
loss = tf.reduce_mean(tf.square(tf.subtract(guess, y)))
train = tf.GradientDescentOptimizer(2).minimize(loss)

# How an operation is derived may be told: (a²)' = 2a.
@tf.RegisterGradient("square")
def square_gradient(op, gradient):
    return gradient * op.inputs[0] * 2

# Then it runs, with data for the placeholders.
session = tf.Session()
graph(loss, "The loss as a graph")
boundary(lambda x_: session.run(guess, {x: x_}), points, classes)

for step in steps(600):
    feed = {x: points, y: sides}
    _, error, p = session.run([train, loss, guess], feed)
    right = (p > 0.5) == (sides > 0.5)
    plot(loss=error, accuracy=right.float().mean())
    if step % 100 == 99:
        print(f"step {step + 1} loss {error.item():.4f}")
