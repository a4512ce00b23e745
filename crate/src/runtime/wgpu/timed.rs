//! How long launches take by the GPU's own clock: each is a pass between two timestamps.

use super::{Inner, Queued, Ready};
use crate::{
    error::{Error, Result},
    runtime::Launch,
};

/// Launches of one submission: a query set holds 4096 timestamps.
const CHUNK: usize = 2048;
const BYTES: usize = size_of::<u64>();

impl Inner {
    pub fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Seconds of each launch; waits for them.
    pub fn timed(&self, launches: &[Launch]) -> Result<Vec<f64>> {
        let mut seconds = Vec::with_capacity(launches.len());
        for chunk in launches.chunks(CHUNK) {
            let mut ends = Vec::with_capacity(chunk.len());
            let queued = self.queue_up(chunk, &mut |queued: &Queued| ends.push(queued.dispatches.len()))?;
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let parts = starts.zip(&ends).map(|(start, end)| &queued.dispatches[start..*end]);
            seconds.extend(self.between_timestamps(&parts.collect::<Vec<_>>())?);
        }
        Ok(seconds)
    }

    fn between_timestamps(&self, parts: &[&[Ready]]) -> Result<Vec<f64>> {
        let count = 2 * parts.len();
        let query_set = &self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("playgrad times"),
            ty: wgpu::QueryType::Timestamp,
            count: count as u32,
        });
        let buffer = |usage| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("playgrad times"),
                size: (count * BYTES) as u64,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let readable = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for (i, part) in parts.iter().enumerate() {
            let writes = wgpu::ComputePassTimestampWrites {
                query_set,
                beginning_of_pass_write_index: Some(2 * i as u32),
                end_of_pass_write_index: Some(2 * i as u32 + 1),
            };
            let pass = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) };
            Ready::dispatch(part, &mut encoder.begin_compute_pass(&pass));
        }
        encoder.resolve_query_set(query_set, 0..count as u32, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &readable, 0, (count * BYTES) as u64);
        self.queue.submit([encoder.finish()]);
        let failed = |why: String| Error::device(self.name, why, "times of kernels", "use another device");
        readable.map_async(wgpu::MapMode::Read, .., |_| {});
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(e.to_string()))?;
        let view = readable.get_mapped_range(..).map_err(|e| failed(e.to_string()))?;
        let ticks: Vec<u64> = view
            .chunks_exact(BYTES)
            .map(|t| u64::from_le_bytes(t.try_into().expect("eight bytes")))
            .collect();
        let tick = f64::from(self.queue.get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks_exact(2).map(|t| t[1].saturating_sub(t[0]) as f64 * tick).collect())
    }
}
