use rustc_hash::FxHashSet;
use std::{
    cell::Cell,
    fmt,
    iter::Sum,
    mem,
    ops::{Add, Div, Mul, Neg, Sub},
    rc::Rc,
};

/// A number with a gradient; after `y.backward()`, `x.grad()` is dy/dx for every `x` that `y` was computed from. A
/// clone is the same value.
#[derive(Clone)]
pub struct Value(Rc<Place>);

struct Place {
    data: Cell<f64>,
    grad: Cell<f64>,
    /// What it was computed from, and how much it moves when each of those moves a little.
    inputs: Vec<(Value, f64)>,
}

impl Value {
    pub fn new(data: f64) -> Value {
        Value::of(data, Vec::new())
    }

    pub(super) fn of(data: f64, inputs: Vec<(Value, f64)>) -> Value {
        Value(Rc::new(Place { data: Cell::new(data), grad: Cell::new(0.0), inputs }))
    }

    fn map(&self, data: f64, slope: f64) -> Value {
        Value::of(data, vec![(self.clone(), slope)])
    }

    pub fn data(&self) -> f64 {
        self.0.data.get()
    }

    /// Changes the number; what was computed from it stays.
    pub fn set_data(&self, data: f64) {
        self.0.data.set(data);
    }

    pub fn grad(&self) -> f64 {
        self.0.grad.get()
    }

    pub fn set_grad(&self, grad: f64) {
        self.0.grad.set(grad);
    }

    pub fn powf(&self, power: f64) -> Value {
        let slope = if power == 0.0 { 0.0 } else { power * self.data().powf(power - 1.0) };
        self.map(self.data().powf(power), slope)
    }

    /// 0 where negative.
    pub fn relu(&self) -> Value {
        let negative = self.data() < 0.0;
        self.map(if negative { 0.0 } else { self.data() }, f64::from(self.data() > 0.0))
    }

    /// The hyperbolic tangent.
    pub fn tanh(&self) -> Value {
        let t = self.data().tanh();
        self.map(t, 1.0 - t * t)
    }

    /// e to this power.
    pub fn exp(&self) -> Value {
        let e = self.data().exp();
        self.map(e, e)
    }

    /// Adds to the gradient of every value below this one the derivative of this one by it.
    pub fn backward(&self) {
        self.set_grad(1.0);
        for value in self.in_order().iter().rev() {
            for (input, slope) in &value.0.inputs {
                input.set_grad(input.grad() + slope * value.grad());
            }
        }
    }

    /// All values below this one, each behind what it was computed from.
    fn in_order(&self) -> Vec<Value> {
        let (mut order, mut seen, mut stack) = (Vec::new(), FxHashSet::default(), vec![(self, false)]);
        while let Some((value, complete)) = stack.pop() {
            if complete {
                order.push(value.clone());
            } else if seen.insert(Rc::as_ptr(&value.0)) {
                stack.push((value, true));
                stack.extend(value.0.inputs.iter().map(|(input, _)| (input, false)));
            }
        }
        order
    }
}

impl Drop for Place {
    /// Level by level: a long chain of values would overflow the stack.
    fn drop(&mut self) {
        let mut left = mem::take(&mut self.inputs);
        while let Some((value, _)) = left.pop() {
            left.extend(
                Rc::into_inner(value.0).map(|mut place| mem::take(&mut place.inputs)).unwrap_or_default(),
            );
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value(data={}, grad={})", self.data(), self.grad())
    }
}

impl From<f64> for Value {
    fn from(data: f64) -> Value {
        Value::new(data)
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Value {
        value.clone()
    }
}

/// An operator between values, or a value and a number: the result, and the slope of each side.
macro_rules! operator {
    ($trait:ident, $method:ident, |$a:ident, $b:ident| $data:expr, $slope_a:expr, $slope_b:expr) => {
        impl<T: Into<Value>> $trait<T> for &Value {
            type Output = Value;
            fn $method(self, other: T) -> Value {
                let other = other.into();
                let ($a, $b) = (self.data(), other.data());
                Value::of($data, vec![(self.clone(), $slope_a), (other, $slope_b)])
            }
        }
        impl<T: Into<Value>> $trait<T> for Value {
            type Output = Value;
            fn $method(self, other: T) -> Value {
                (&self).$method(other)
            }
        }
        impl $trait<Value> for f64 {
            type Output = Value;
            fn $method(self, other: Value) -> Value {
                Value::new(self).$method(other)
            }
        }
        impl $trait<&Value> for f64 {
            type Output = Value;
            fn $method(self, other: &Value) -> Value {
                Value::new(self).$method(other)
            }
        }
    };
}
operator!(Add, add, |a, b| a + b, 1.0, 1.0);
operator!(Sub, sub, |a, b| a - b, 1.0, -1.0);
operator!(Mul, mul, |a, b| a * b, b, a);
operator!(Div, div, |a, b| a / b, 1.0 / b, -a / (b * b));

impl Neg for &Value {
    type Output = Value;
    fn neg(self) -> Value {
        self.map(-self.data(), -1.0)
    }
}

impl Neg for Value {
    type Output = Value;
    fn neg(self) -> Value {
        -&self
    }
}

impl Sum for Value {
    fn sum<I: Iterator<Item = Value>>(values: I) -> Value {
        let inputs: Vec<(Value, f64)> = values.map(|value| (value, 1.0)).collect();
        Value::of(inputs.iter().map(|(value, _)| value.data()).sum(), inputs)
    }
}
