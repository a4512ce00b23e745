from micrograd.engine import Value
from playground import graph, plot, steps

# Every number remembers what it was made of.
a, b = Value(2.0, label="a"), Value(-3.0, label="b")
answer = (a * b + 10).relu() ** 2
answer.label = "answer"
answer.backward()

graph(answer, "answer = relu(a · b + 10)²")
print("answer", answer.data)
print("moving a", a.grad, "moving b", b.grad)

# A line through four points: two numbers to find.
points = [(-1.0, -1.2), (0.0, 0.9), (1.0, 3.1), (2.0, 5.2)]
slope = Value(0.0, label="slope")
start = Value(0.0, label="start")

for step in steps(60):
    errors = [(slope * x + start - y) ** 2 for x, y in points]
    loss = sum(errors) / len(errors)
    loss.label = "loss"

    slope.grad = start.grad = 0.0
    loss.backward()
    slope.data -= 0.1 * slope.grad
    start.data -= 0.1 * start.grad

    graph(loss, "loss of the line")
    plot(loss=loss.data, slope=slope.data, start=start.data)

print(f"y = {slope.data:.2f} x + {start.data:.2f}")
