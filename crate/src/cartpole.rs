//! A cart that balances a pole, the world of Barto, Sutton and Anderson, “Neuronlike adaptive elements that can solve
//! difficult learning control problems” (1983): many of them side by side, each a row of a tensor.

use crate::{
    error::{Error, Result},
    tensor::{Slice, Tensor, realize_all},
};

const GRAVITY: f64 = 9.8;
const POLE_MASS: f64 = 0.1;
const MASS: f64 = 1.0 + POLE_MASS;
/// Metres from the hinge to the middle of the pole.
const HALF: f64 = 0.5;
const FORCE: f64 = 10.0;
/// Seconds in a step.
const TICK: f64 = 0.02;
const TRACK: f64 = 2.4;
const TILT: f64 = 12.0 * std::f64::consts::PI / 180.0;
const LONGEST: i32 = 500;

/// Carts, each of which begins anew when its episode ends: off the track, over 12°, or after 500 steps.
pub struct CartPole {
    /// `[n, 4]`: place (m), speed (m/s), angle (rad, to the right), turning (rad/s).
    pub state: Tensor,
    /// `[n]`: steps of the episode so far.
    pub age: Tensor,
    /// `[n]`: the return (steps survived) of the last episode that ended; 0 before.
    pub returns: Tensor,
}

impl CartPole {
    /// # Errors
    /// `Argument` for no cart.
    pub fn new(n: usize) -> Result<CartPole> {
        if n == 0 {
            return Err(Error::argument("CartPole", "0 carts", "at least one", "ask for 1"));
        }
        let zeros = || Tensor::zeros(&[n])?.realize();
        Ok(CartPole { state: start(n)?.realize()?, age: zeros()?, returns: zeros()? })
    }

    /// One step: `actions` `[n]` push left (0) or right (1). Gives how each episode stands after it, `[n]`: 0 goes
    /// on, 1 failed, 2 out of time. The reward is 1 for every step.
    ///
    /// # Errors
    /// `Shape` unless there is an action for each cart.
    pub fn step(&self, actions: &Tensor) -> Result<Tensor> {
        if actions.shape() != self.age.shape() {
            let got = format!("actions of shape {:?}", actions.shape().as_slice());
            let expected = format!("{:?}, one for each cart", self.age.shape().as_slice());
            return Err(Error::shape("CartPole", got, expected, "squeeze or stack the actions"));
        }
        let column = |of: &Tensor, i| of.slice(&[Slice::All, Slice::At(i)]);
        let [x, speed, angle, turning] = [
            column(&self.state, 0)?,
            column(&self.state, 1)?,
            column(&self.state, 2)?,
            column(&self.state, 3)?,
        ];
        let push = actions.float()?.mul(2.0 * FORCE)?.sub(FORCE)?;
        let (sin, cos) = (angle.sin()?, angle.cos()?);
        let shared = turning.square()?.mul(&sin)?.mul(POLE_MASS * HALF)?.add(push)?.div(MASS)?;
        let inertia = cos.square()?.mul(-POLE_MASS / MASS)?.add(4.0 / 3.0)?.mul(HALF)?;
        let turned = sin.mul(GRAVITY)?.sub(cos.mul(&shared)?)?.div(inertia)?;
        let moved = shared.sub(turned.mul(&cos)?.mul(POLE_MASS * HALF / MASS)?)?;
        let pairs = [(&x, &speed), (&speed, &moved), (&angle, &turning), (&turning, &turned)];
        let next = pairs.map(|(value, slope)| value.add(slope.mul(TICK)?)).into_iter();
        let next = Tensor::stack(&next.collect::<Result<Vec<_>>>()?, 1)?;
        let age = self.age.add(1)?;
        let fallen = column(&next, 0)?.abs()?.gt(TRACK)?.bitwise_or(column(&next, 2)?.abs()?.gt(TILT)?)?;
        let done = fallen.bitwise_or(age.ge(LONGEST)?)?;
        let end = fallen.where_(1.0, done.where_(2.0, 0.0)?)?;
        self.returns.assign(&done.where_(&age, &self.returns)?)?;
        self.state.assign(&done.unsqueeze(1)?.where_(start(age.numel())?, &next)?)?;
        self.age.assign(&done.where_(0.0, &age)?)?;
        realize_all(&[self.state.clone(), self.age.clone(), self.returns.clone(), end.clone()])?;
        Ok(end)
    }
}

/// Near the middle, nearly upright.
fn start(n: usize) -> Result<Tensor> {
    Tensor::uniform(&[n, 4], -0.05, 0.05)
}
