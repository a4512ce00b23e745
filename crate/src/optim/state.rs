use super::Optimizer;
use crate::{
    error::Result,
    nn::{StateDict, load_tensors},
    tensor::{Tensor, known_values},
};

impl Optimizer {
    /// Everything the optimizer keeps, to be saved beside the model: each parameter's moments by tinygrad's names
    /// (`m.0`, `v.0`, `b.0`, numbered across groups), and of the groups `step` (int32) and `lr` (float32).
    ///
    /// # Errors
    /// None in practice.
    pub fn state_dict(&self) -> Result<StateDict> {
        Ok(self.named_state()?.into_iter().collect())
    }

    /// Goes on where the optimizer was that gave `dict`.
    ///
    /// # Errors
    /// Those of [`crate::nn::load_state_dict`]; nothing has changed then.
    pub fn load_state_dict(&self, dict: &StateDict) -> Result<()> {
        let known = |name: &str| dict.get(name).map(known_values).transpose();
        let (steps, rates) = (known("step")?, known("lr")?);
        load_tensors(&self.named_state()?, dict, true)?;
        if let (Some(steps), Some(rates)) = (steps, rates) {
            for (i, group) in self.groups.iter().enumerate() {
                group.steps.set(steps.get(i) as u32);
                group.lr.set(rates.get(i));
            }
        }
        Ok(())
    }

    fn named_state(&self) -> Result<Vec<(String, Tensor)>> {
        let (mut all, mut count) = (Vec::new(), 0);
        for group in &self.groups {
            for param in &group.params {
                let names = group.rule.moments().iter();
                all.extend(names.zip(&param.moments).map(|(name, t)| (format!("{name}.{count}"), t.clone())));
                count += 1;
            }
        }
        let steps: Vec<i32> = self.groups.iter().map(|g| g.steps.get() as i32).collect();
        let rates: Vec<f32> = self.groups.iter().map(|g| g.lr.get() as f32).collect();
        all.push(("step".into(), Tensor::from_slice(&steps, &[steps.len()])?));
        all.push(("lr".into(), Tensor::from_slice(&rates, &[rates.len()])?));
        Ok(all)
    }
}
