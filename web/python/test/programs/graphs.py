import minitf as tf
from tinygrad import Tensor

tf.Graph().as_default()
x, y = tf.placeholder("x"), tf.placeholder("y")
slope, start = tf.Variable(0, "slope"), tf.Variable(0, "start")
loss = tf.reduce_mean(tf.square(tf.subtract(tf.add(tf.multiply(slope, x), start), y)))
train = tf.GradientDescentOptimizer(0.1).minimize(loss)
session = tf.Session()
feed = {x: [-1, 0, 1, 2], y: [-1.2, 0.9, 3.1, 5.2]}
for _ in range(100):
    session.run(train, feed)
print(f"line {slope.value.item():.2f} {start.value.item():.2f}")

tf.Graph().as_default()
points, classes = tf.placeholder("points"), tf.placeholder("classes")
W, b = tf.Variable(Tensor.randn(2, 2)), tf.Variable(Tensor.zeros(2))
p = tf.softmax(tf.add(tf.matmul(points, W), b))
J = tf.negative(tf.reduce_sum(tf.reduce_sum(tf.multiply(classes, tf.log(p)), axis=1)))
step = tf.GradientDescentOptimizer(0.01).minimize(J)
session = tf.Session()
clouds = Tensor.randn(50, 2).sub(2).cat(Tensor.randn(50, 2).add(2))
feed = {points: clouds.realize(), classes: [[1, 0]] * 50 + [[0, 1]] * 50}
for _ in range(100):
    session.run(step, feed)
answers = session.run(p, feed).argmax(-1).tolist()
print("perceptron", sum(answer == (i >= 50) for i, answer in enumerate(answers)) >= 98)

tf.Graph().as_default()
X, Y = tf.constant([[0, 0], [0, 1], [1, 0], [1, 1]]), tf.constant([[0], [1], [1], [0]])
hidden = tf.sigmoid(tf.add(tf.matmul(X, tf.Variable(Tensor.uniform(2, 8, low=-1, high=1))), tf.Variable(Tensor.zeros(8))))
guess = tf.sigmoid(tf.matmul(hidden, tf.Variable(Tensor.uniform(8, 1, low=-1, high=1))))
J = tf.reduce_mean(tf.square(tf.subtract(guess, Y)))
step = tf.GradientDescentOptimizer(5).minimize(J)
session = tf.Session()
for _ in range(1500):
    session.run(step)
print("MLP", session.run(J).item() < 0.01)


def told(work):
    try:
        work()
    except ValueError as error:
        print(error)


told(lambda: session.run(x))
told(lambda: tf.Session(x.graph).run(loss, {x: [1]}))
told(lambda: tf.add(X, 2))
told(lambda: tf.RegisterGradient("squre"))

tf.Graph().as_default()
one, two = tf.Variable(3.0), tf.Variable(5.0)
optimizer = tf.GradientDescentOptimizer(0.25)
steps = [optimizer.minimize(tf.square(one)), optimizer.minimize(tf.square(two))]
tf.Session().run(steps)
print("two losses", one.value.item(), two.value.item())

tf.Graph().as_default()
w = tf.Variable(3.0)


@tf.RegisterGradient("square")
def half(op, gradient):
    return gradient * op.inputs[0]


tf.Session().run(tf.GradientDescentOptimizer(1).minimize(tf.square(w)))
print("own gradient", w.value.item())
