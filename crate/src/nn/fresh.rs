use super::{BatchNorm, Conv2d, ConvTranspose2d, Embedding, GroupNorm, LayerNorm, Linear, Module, RmsNorm};
use crate::{
    error::{Error, Result},
    tensor::{Conv2dOptions, Tensor},
};

/// The tensors of a new layer by name, for languages whose layers are classes of their own. `sizes`: `Linear` in,
/// out; `Conv2d` and `ConvTranspose2d` in, out, groups, the kernel; `BatchNorm` and `GroupNorm` channels; `LayerNorm`
/// the shape; `RMSNorm` the last size; `Embedding` rows, width. `affine` off leaves out a bias, or for a
/// normalisation both.
///
/// # Errors
/// `Argument` for an unknown kind or too few sizes, and those of the layer.
pub fn fresh(kind: &str, sizes: &[usize], affine: bool) -> Result<Vec<(String, Tensor)>> {
    Ok(match (kind, sizes) {
        ("Linear", [inputs, outputs]) => Linear::new(*inputs, *outputs, affine)?.tensors(),
        ("Conv2d" | "ConvTranspose2d", [inputs, outputs, groups, kernel @ ..]) => {
            let options = Conv2dOptions { groups: *groups, ..Conv2dOptions::default() };
            if kind == "Conv2d" {
                Conv2d::new(*inputs, *outputs, kernel, options, affine)?.tensors()
            } else {
                ConvTranspose2d::new(*inputs, *outputs, kernel, options, &[0], affine)?.tensors()
            }
        }
        ("BatchNorm", [channels]) => BatchNorm::new(*channels, affine, 0.0, 0.0)?.tensors(),
        ("GroupNorm", [channels]) => GroupNorm::new(1, *channels, affine, 0.0)?.tensors(),
        ("LayerNorm", shape) => LayerNorm::new(shape, affine, 0.0)?.tensors(),
        ("RMSNorm", [size]) => RmsNorm::new(*size, affine, 0.0)?.tensors(),
        ("Embedding", [rows, width]) => Embedding::new(*rows, *width)?.tensors(),
        _ => {
            let got = format!("{kind} of sizes {sizes:?}");
            return Err(Error::argument("nn", got, "a layer and its sizes", "see the layer's parameters"));
        }
    })
}
