//! Kernels of the user's: a text or a function for each target, which takes part in graphs like any operation.

use super::{Element, Tensor, autodiff, build};
use crate::{
    error::{Error, Result},
    graph::{Custom, DType, Grid, Mark, Node, Op, Shape, Source},
    kernel, render, schedule,
};
use std::{cell::Cell, rc::Rc};

const OP: &str = "custom_kernel";

/// A function of the inputs' shapes.
type OfShapes<T> = dyn Fn(&[Shape]) -> T;
type Backward = dyn Fn(&Tensor, &[Tensor], &Tensor) -> Result<Vec<Option<Tensor>>>;

/// An operation whose kernels its user writes. Texts name the inputs as they are named here, and the output `out`.
///
/// - `wgsl` runs on WebGPU, Vulkan and Metal: the body of a function that runs once for each `i` below the number of
///   threads, or a whole `@compute` function. `x[e]` is element `e` of the input `x` in row-major order; `x_size` and
///   `x_shape` are constants. Elements have 32 bits. What lies outside is the last element.
/// - `cuda` runs on CUDA: the body of such a function in C++, over pointers to the elements. With `groups` it has
///   `group` and `thread` instead of `i`.
/// - `cpu` is a function over the elements.
///
/// ```
/// # use playgrad::{Tensor, Result, tensor::CustomKernel};
/// # fn main() -> Result<()> {
/// let muladd = CustomKernel::new("mymuladd", &["a", "b", "c"])
///     .wgsl("out[i] = a[i] * b[i] + c[i];")
///     .cuda("out[i] = a[i] * b[i] + c[i];")
///     .cpu(|k| {
///         let (a, b, c) = (k.input::<f32>(0)?, k.input::<f32>(1)?, k.input::<f32>(2)?);
///         let products = a.iter().zip(b).map(|(a, b)| a * b);
///         k.output::<f32>()?.iter_mut().zip(products.zip(c)).for_each(|(out, (ab, c))| *out = ab + c);
///         Ok(())
///     })
///     .backward(|g, x, _| Ok(vec![Some(g.mul(&x[1])?), Some(g.mul(&x[0])?), Some(g.clone())]));
/// let x = Tensor::from_slice(&[1.0f32, 2.0], &[2])?;
/// assert_eq!(muladd.call(&[&x, &x, &x])?.to_vec::<f32>()?, [2.0, 6.0]);
/// # Ok(())
/// # }
/// ```
pub struct CustomKernel {
    source: Rc<Source>,
    shape: Box<OfShapes<Vec<usize>>>,
    dtype: Option<DType>,
    threads: Option<Box<OfShapes<usize>>>,
    groups: Option<Box<OfShapes<usize>>>,
    backward: Option<Rc<Backward>>,
}

impl CustomKernel {
    /// A kernel over inputs of these names. Until told otherwise the output has the shape and dtype of the first.
    pub fn new(name: &str, inputs: &[&str]) -> CustomKernel {
        let inputs = inputs.iter().map(|n| n.to_string()).collect();
        CustomKernel {
            source: Rc::new(Source::new(name.into(), inputs)),
            shape: Box::new(|shapes| shapes.first().map_or(Vec::new(), |s| s.to_vec())),
            dtype: None,
            threads: None,
            groups: None,
            backward: None,
        }
    }

    fn edit(mut self, change: impl FnOnce(&mut Source)) -> Self {
        change(Rc::get_mut(&mut self.source).expect("a kernel that is being made is nowhere else"));
        self
    }

    pub fn wgsl(self, text: &str) -> Self {
        self.edit(|s| s.wgsl = Some(text.into()))
    }

    pub fn cuda(self, text: &str) -> Self {
        self.edit(|s| s.cuda = Some(text.into()))
    }

    pub fn cpu(self, function: impl Fn(&Host) -> Result<()> + 'static) -> Self {
        self.edit(|s| {
            s.cpu = Some(Box::new(move |custom, inputs, output| {
                function(&Host { custom, inputs, output: Cell::new(Some(output)) })
            }));
        })
    }

    /// The output's shape, from the inputs'.
    pub fn shape(mut self, shape: impl Fn(&[Shape]) -> Vec<usize> + 'static) -> Self {
        self.shape = Box::new(shape);
        self
    }

    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// How many `i` there are, from the inputs' shapes; the output's elements unless told. With `groups`: the
    /// invocations of a workgroup, 64 unless told.
    pub fn threads(mut self, threads: impl Fn(&[Shape]) -> usize + 'static) -> Self {
        self.threads = Some(Box::new(threads));
        self
    }

    /// How many workgroups a whole `@compute` function wants, from the inputs' shapes.
    pub fn groups(mut self, groups: impl Fn(&[Shape]) -> usize + 'static) -> Self {
        self.groups = Some(Box::new(groups));
        self
    }

    /// The gradients of the inputs, from the output's gradient, the inputs and the output.
    pub fn backward(
        mut self,
        rule: impl Fn(&Tensor, &[Tensor], &Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
    ) -> Self {
        self.backward = Some(Rc::new(rule));
        self
    }

    /// The kernel of `inputs`, computed when it is read.
    ///
    /// # Errors
    /// `Argument` for a wrong number of inputs or names that texts cannot use. When it is computed: `Kernel` for a text
    /// that does not compile, `Device` where there is none for the device, `DType` for elements it cannot have there.
    /// When a gradient is asked for: `Argument` without `backward`, and what `backward` fails with.
    pub fn call(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let value = self.node(inputs, 0)?;
        if !value.dtype.is_float() {
            return Ok(Tensor::from_node(value));
        }
        let (backward, name) = (self.backward.clone(), self.source.name.clone());
        let rule = move |mark: &Node, g: &Node| {
            let backward = backward.as_ref().ok_or_else(|| without_gradient(&name))?;
            let inputs: Vec<Tensor> = mark.src[1..].iter().cloned().map(Tensor::from_node).collect();
            let made = backward(&Tensor::from_node(g.clone()), &inputs, &Tensor::from_node(mark.clone()))?;
            autodiff::checked_gradients(OP, &inputs, made)
        };
        let nodes: Vec<Node> = inputs.iter().map(|t| t.node()).collect();
        Ok(Tensor::from_node(build::mark(Mark::Custom(Rc::new(rule)), &value, &nodes)))
    }

    /// The kernel run once with `ZONE` bytes before and behind its output, all of them filled with float32's
    /// `0x7fc12345` at first: what it leaves, as uint8.
    ///
    /// # Errors
    /// Those of [`CustomKernel::call`] and of computing it.
    pub fn checked(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        Ok(Tensor::from_node(schedule::checked(&self.node(inputs, schedule::ZONE / 4)?)?))
    }

    /// The whole text that a compiler gets for `inputs`: declarations of the arguments, the kernel's own text, an entry
    /// point.
    ///
    /// # Errors
    /// Those of [`CustomKernel::call`], and `Device` where there is no text for the target.
    pub fn rendered(&self, inputs: &[&Tensor], target: render::Target) -> Result<String> {
        let node = self.node(inputs, 0)?;
        let Op::Custom(custom) = &node.op else { unreachable!("a node that calls a custom kernel") };
        render::custom::check(custom, target, "that target")?;
        let args = kernel::custom(&node, custom).kernel.args;
        let slots: Vec<usize> = (0..args.len()).collect();
        Ok(render::custom::shader(custom, render::Bindings { args: &args, slots: &slots }, target).source)
    }

    fn check(&self, inputs: &[&Tensor]) -> Result<()> {
        let source = &self.source;
        source.check_names()?;
        if inputs.len() != source.inputs.len() {
            return Err(Error::argument(
                OP,
                format!("{} inputs for {}", inputs.len(), source.name),
                format!("{}: {}", source.inputs.len(), source.inputs.join(", ")),
                "pass one tensor for each name",
            ));
        }
        Ok(())
    }

    fn node(&self, inputs: &[&Tensor], guard: usize) -> Result<Node> {
        let shapes: Vec<Shape> = inputs.iter().map(|t| t.shape()).collect();
        let dtype = self.dtype.or(inputs.first().map(|t| t.dtype())).unwrap_or(DType::F32);
        let shape = (self.shape)(&shapes);
        let threads = self.threads.as_ref().map(|f| f(&shapes));
        let groups = self.groups.as_ref().map(|f| f(&shapes));
        self.check(inputs)?;
        render::custom::check_grid(&self.source, threads, groups)?;
        custom_node(&self.source, inputs, &shape, dtype, threads, groups, guard)
    }
}

/// The error of a kernel whose gradient nobody gave.
fn without_gradient(name: &str) -> Error {
    Error::argument(
        OP,
        format!("{name}, which has no gradient"),
        "a backward function",
        "give backward, or detach() the inputs",
    )
}

/// The node of a kernel of the user's over `inputs`, one for each name; with `guard`, for `schedule::checked`. The
/// caller has checked names, and that the grid goes with the text.
pub fn custom_node(
    source: &Rc<Source>,
    inputs: &[&Tensor],
    shape: &[usize],
    dtype: DType,
    threads: Option<usize>,
    groups: Option<usize>,
    guard: usize,
) -> Result<Node> {
    let nodes: Vec<Node> = inputs.iter().map(|t| t.node()).collect();
    let shape = Shape::from_slice(shape);
    let count = shape.iter().fold(1usize, |n, s| n.saturating_mul(*s));
    let grid = match groups {
        Some(groups) => Grid::Groups(groups, threads.unwrap_or(render::custom::THREADS)),
        None => Grid::Threads(threads.unwrap_or(count)),
    };
    let mut args: Vec<(Shape, DType)> = nodes.iter().map(|n| (n.shape.clone(), n.dtype)).collect();
    args.push((shape.clone(), dtype));
    Ok(Node::new(Op::Custom(source.call(args, grid, guard)), &nodes, shape, dtype))
}

/// What a kernel's function for the CPU is given.
pub struct Host<'a> {
    custom: &'a Custom,
    inputs: &'a [&'a [u8]],
    output: Cell<Option<&'a mut [u8]>>,
}

impl<'a> Host<'a> {
    /// The shapes of the inputs, then of the output.
    pub fn shape(&self, argument: usize) -> &'a [usize] {
        &self.custom.args[argument].0
    }

    /// The elements of an input in row-major order.
    ///
    /// # Errors
    /// `DType` for another type than the input's.
    pub fn input<T: Element + bytemuck::Pod>(&self, i: usize) -> Result<&'a [T]> {
        self.is::<T>(i)?;
        Ok(bytemuck::cast_slice(self.inputs[i]))
    }

    /// The elements of the output, all to be written; they can be had once.
    ///
    /// # Errors
    /// `DType` for another type than the output's, `Argument` when they were already had.
    pub fn output<T: Element + bytemuck::Pod>(&self) -> Result<&'a mut [T]> {
        self.is::<T>(self.inputs.len())?;
        let output = self.output.take().ok_or_else(|| {
            Error::argument(OP, "the output asked for twice", "once", "keep what output() gives")
        })?;
        Ok(bytemuck::cast_slice_mut(output))
    }

    fn is<T: Element>(&self, argument: usize) -> Result<()> {
        let dtype = self.custom.args[argument].1;
        if dtype == T::DTYPE {
            return Ok(());
        }
        let name = &self.custom.source.name;
        let got = format!("argument {argument} of {name} taken for {}", T::DTYPE);
        Err(Error::dtype(OP, got, dtype.name(), "take it for what it is, or cast the tensor"))
    }
}
