from micrograd.engine import Value
from playground import plot, steps

# How much does the answer move when one number moves?
a, b = Value(2.0), Value(-3.0)
answer = (a * b + 10).relu() ** 2
answer.backward()
print("answer", answer.data)
print("moving a", a.grad, "moving b", b.grad)

# A line through four points, one number at a time.
points = [(-1.0, -1.2), (0.0, 0.9), (1.0, 3.1), (2.0, 5.2)]
slope, start = Value(0.0), Value(0.0)

for step in steps(60):
    errors = [(slope * x + start - y) ** 2 for x, y in points]
    loss = sum(errors) / len(errors)

    slope.grad = start.grad = 0.0
    loss.backward()
    slope.data -= 0.1 * slope.grad
    start.data -= 0.1 * start.grad
    plot(loss=loss.data, slope=slope.data, start=start.data)

print(f"y = {slope.data:.2f} x + {start.data:.2f}")
