//! What goes wrong, and memory. Skipped, with the reason, where there is no native GPU.

use super::*;

fn open() -> Option<Gpu> {
    let all = wgpu::Backends::VULKAN | wgpu::Backends::METAL;
    match pollster::block_on(open::open("vulkan", all, "install a driver")) {
        Ok(gpu) => Some(gpu),
        Err(why) => {
            println!("skipped: {why}");
            None
        }
    }
}

fn region(buffer: BufferId, bytes: usize) -> Region {
    Region { buffer, offset: 0, bytes }
}

#[test]
fn a_lost_device_says_so_and_a_new_one_opens() {
    let Some(gpu) = open() else { return };
    let buffer = gpu.alloc(16).unwrap();
    gpu.write(region(buffer, 16), &[1; 16]).unwrap();
    gpu.0.device.destroy();
    let read = pollster::block_on(gpu.read(region(buffer, 16)));
    let later = gpu.alloc(16);
    for error in [read.unwrap_err(), later.unwrap_err()] {
        assert!(error.got.contains("lost"), "{error}");
        assert!(error.fix.contains("new device"), "{error}");
    }
    let again = open().expect("a device opens after another was lost");
    let buffer = again.alloc(4).unwrap();
    again.write(region(buffer, 4), &[7; 4]).unwrap();
    assert_eq!(pollster::block_on(again.read(region(buffer, 4))).unwrap(), [7; 4]);
}

#[test]
fn a_refused_shader_is_an_error_with_the_compilers_message() {
    let Some(gpu) = open() else { return };
    let source = wgpu::ShaderSource::Wgsl("fn main() { let x = undefined_name; }".into());
    let error = || Error::device("compile", "a shader", "a valid one", "");
    let made = gpu.0.health.checked(error, &gpu.0.device, || {
        gpu.0.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source })
    });
    let message = made.unwrap_err().to_string();
    assert!(message.contains("undefined_name"), "{message}");
    gpu.alloc(4).expect("the device goes on");
}

#[test]
fn too_large_a_tensor_is_an_error_with_sizes() {
    let Some(gpu) = open() else { return };
    let error = gpu.alloc(5 << 40).unwrap_err();
    assert!(error.got.contains(&(5u64 << 40).to_string()), "{error}");
    assert!(error.expected.contains(&gpu.limits().max_bytes.to_string()), "{error}");
}

#[test]
fn freed_memory_is_used_again() {
    let Some(gpu) = open() else { return };
    let mut held = std::collections::VecDeque::new();
    for i in 0..5000 {
        held.push_back(gpu.alloc(1 + i % 700 * 97).unwrap());
        if held.len() > 20 {
            gpu.free(held.pop_front().unwrap());
        }
    }
    assert_eq!(gpu.0.memory.borrow().slabs(), 1);
    held.into_iter().for_each(|b| gpu.free(b));
    assert_eq!(gpu.counters().bytes, 0);
    assert!(gpu.counters().peak_bytes < 21 * 700 * 97);
}

#[test]
fn tensors_stay_in_one_buffer_that_grows() {
    let Some(gpu) = open() else { return };
    let (mut reads, mut want) = (Vec::new(), Vec::new());
    for i in 0..6 {
        let bytes = 7 << 20;
        let buffer = gpu.alloc(bytes).unwrap();
        gpu.write(region(buffer, 8), &[i; 8]).unwrap();
        reads.push((buffer, gpu.read(region(buffer, 8))));
        want.push([i; 8]);
    }
    assert_eq!(gpu.0.memory.borrow().slabs(), 1);
    for ((buffer, early), want) in reads.into_iter().zip(want) {
        assert_eq!(pollster::block_on(early).unwrap(), want);
        assert_eq!(pollster::block_on(gpu.read(region(buffer, 8))).unwrap(), want);
    }
}

#[test]
fn a_read_sees_what_was_there_when_it_was_asked_for() {
    let Some(gpu) = open() else { return };
    let buffer = gpu.alloc(5).unwrap();
    gpu.write(region(buffer, 5), &[1; 5]).unwrap();
    let (first, unread) = (gpu.read(region(buffer, 5)), gpu.read(region(buffer, 5)));
    gpu.write(region(buffer, 5), &[2; 5]).unwrap();
    let second = gpu.read(region(buffer, 5));
    drop(unread);
    assert_eq!(pollster::block_on(second).unwrap(), [2; 5]);
    assert_eq!(pollster::block_on(first).unwrap(), [1; 5]);
    pollster::block_on(gpu.idle()).unwrap();
}
