//! Shaders, pipelines and layouts, each made once.

use super::{Inner, SLOT};
use crate::{
    error::{Error, Result},
    graph::Custom,
    kernel::Arg,
    render::{self, Bindings, Dispatch, Shader},
    runtime::Bundle,
};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::{cell::RefCell, rc::Rc};

pub type SlotList = SmallVec<[usize; 8]>;

/// Bundles remembered with their pipelines; beyond this all are forgotten and come back when they are used.
const MAX_BUNDLES: usize = 4096;

/// A bundle as dispatches; none where there are no rows.
pub struct Compiled {
    pub bundle: Bundle,
    pub args: Vec<Arg>,
    pub stages: Vec<Stage>,
}

/// One dispatch and the pipelines made for the ways its arguments were spread over buffers.
pub struct Stage {
    dispatch: Dispatch,
    pipelines: RefCell<Vec<(SlotList, Rc<Pipeline>)>>,
}

impl Stage {
    pub fn is_doubtful(&self) -> bool {
        self.dispatch.custom().is_some_and(|c| c.verdict.is_doubtful())
    }
}

pub struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: Rc<Layout>,
    pub grid: [u32; 2],
}

/// For each binding whether it is written.
pub struct Layout {
    pub id: u64,
    pub bindings: wgpu::BindGroupLayout,
    pipeline: wgpu::PipelineLayout,
}

#[derive(Default)]
pub struct Pipelines {
    bundles: RefCell<FxHashMap<Bundle, Rc<Compiled>>>,
    layouts: RefCell<FxHashMap<SmallVec<[bool; 8]>, Rc<Layout>>>,
}

impl Pipelines {
    pub fn compiled(&self, gpu: &Inner, bundle: &Bundle) -> Rc<Compiled> {
        let mut bundles = self.bundles.borrow_mut();
        if let Some(known) = bundles.get(bundle) {
            return known.clone();
        }
        if bundles.len() >= MAX_BUNDLES {
            bundles.clear();
        }
        let dispatches = render::dispatches(bundle, gpu.target);
        let stage = |dispatch| Stage { dispatch, pipelines: RefCell::default() };
        let compiled = Rc::new(Compiled {
            bundle: bundle.clone(),
            args: bundle.kernels.iter().flat_map(|k| k.args.iter().copied()).collect(),
            stages: dispatches.into_iter().map(stage).collect(),
        });
        bundles.insert(bundle.clone(), compiled.clone());
        compiled
    }

    pub fn pipeline(
        &self,
        gpu: &Inner,
        compiled: &Compiled,
        stage: &Stage,
        slots: &SlotList,
    ) -> Result<Rc<Pipeline>> {
        if let Some((_, known)) = stage.pipelines.borrow().iter().find(|(s, _)| s == slots) {
            return Ok(known.clone());
        }
        let name = stage.dispatch.name();
        let layout = self.layout(gpu, &name, &compiled.args, slots)?;
        let bindings = Bindings { args: &compiled.args, slots };
        let shader = stage.dispatch.render(bindings, gpu.target);
        let failed = || {
            Error::device(
                "compile",
                format!("a shader that {} refuses (kernel {name})", gpu.description),
                "a valid shader",
                "report this message; device=\"cpu\" gives the same results",
            )
        };
        gpu.made();
        let pipeline = match stage.dispatch.custom() {
            Some(custom) => build_custom(gpu, custom, bindings, &shader, &layout.pipeline)?,
            None => {
                gpu.health.checked(failed, &gpu.device, || build(gpu, stage, &shader, &layout.pipeline))?
            }
        };
        let made = Rc::new(Pipeline { pipeline, layout, grid: shader.grid });
        stage.pipelines.borrow_mut().push((slots.clone(), made.clone()));
        Ok(made)
    }

    fn layout(&self, gpu: &Inner, name: &str, args: &[Arg], slots: &SlotList) -> Result<Rc<Layout>> {
        let bindings = slots.iter().max().map_or(0, |b| b + 1);
        let most = gpu.max_bindings();
        if bindings > most {
            return Err(Error::device(
                "compile",
                format!("kernel {name} with {bindings} buffers"),
                format!("at most {most} buffers on {}", gpu.description),
                "realize() some of its inputs before",
            ));
        }
        let mut written: SmallVec<[bool; 8]> = SmallVec::from_elem(false, bindings);
        args.iter().zip(slots).for_each(|(arg, slot)| written[*slot] |= arg.written);
        let mut layouts = self.layouts.borrow_mut();
        if let Some(known) = layouts.get(&written) {
            return Ok(known.clone());
        }
        let entry = |binding: usize, ty, size: usize| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: binding == 0,
                min_binding_size: wgpu::BufferSize::new(size as u64),
            },
            count: None,
        };
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, SLOT)];
        entries.extend(
            written.iter().enumerate().map(|(i, written)| {
                entry(i + 1, wgpu::BufferBindingType::Storage { read_only: !written }, 4)
            }),
        );
        let bindings = gpu
            .device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline = gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let layout = Rc::new(Layout { id: layouts.len() as u64, bindings, pipeline });
        layouts.insert(written, layout.clone());
        Ok(layout)
    }
}

/// A browser checks in any case.
#[cfg(target_family = "wasm")]
fn checks(_: &Inner, _: &Dispatch) -> wgpu::ShaderRuntimeChecks {
    wgpu::ShaderRuntimeChecks::unchecked()
}

#[cfg(not(target_family = "wasm"))]
fn checks(gpu: &Inner, dispatch: &Dispatch) -> wgpu::ShaderRuntimeChecks {
    if !gpu.checked && dispatch.kernels.iter().all(|(kernel, _)| kernel.stays_inside()) {
        wgpu::ShaderRuntimeChecks::unchecked()
    } else {
        wgpu::ShaderRuntimeChecks::checked()
    }
}

fn build(
    gpu: &Inner,
    stage: &Stage,
    shader: &Shader,
    layout: &wgpu::PipelineLayout,
) -> wgpu::ComputePipeline {
    let name = stage.dispatch.name();
    // Browsers want the line that naga does not know.
    let enable = if cfg!(target_family = "wasm") && shader.source.contains("subgroup") {
        "enable subgroups;\n"
    } else {
        ""
    };
    let source = format!("{enable}{}", shader.source);
    let descriptor =
        wgpu::ShaderModuleDescriptor { label: Some(&name), source: wgpu::ShaderSource::Wgsl(source.into()) };
    let checks = checks(gpu, &stage.dispatch);
    // SAFETY: checks are left out only where every index is proven to stay inside its argument (`kernel/inside.rs`);
    // loops count up to constants, and divisors are constants or made non-zero.
    let module = unsafe { gpu.device.create_shader_module_trusted(descriptor, checks) };
    gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(&name),
        layout: Some(layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &[],
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    })
}

/// A pipeline of the user's text, with the driver's bounds checks. What its compiler says goes to its verdict.
fn build_custom(
    gpu: &Inner,
    custom: &Rc<Custom>,
    bindings: Bindings,
    shader: &Shader,
    layout: &wgpu::PipelineLayout,
) -> Result<wgpu::ComputePipeline> {
    let source = wgpu::ShaderSource::Wgsl(shader.source.as_str().into());
    let label = Some(custom.source.name.as_str());
    let (args, slots) = (bindings.args.to_vec(), SlotList::from_slice(bindings.slots));
    let at = custom.clone();
    let origin = move |byte| render::custom::origin(&at, Bindings { args: &args, slots: &slots }, byte);
    gpu.health.judged(custom, origin, &gpu.device, || {
        let module = gpu.device.create_shader_module(wgpu::ShaderModuleDescriptor { label, source });
        let pipeline = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(layout),
            module: &module,
            entry_point: None,
            compilation_options: Default::default(),
            cache: None,
        });
        (pipeline, module)
    })
}
