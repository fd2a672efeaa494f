//! Dot products of the processor's best kernel, at any address: the plain sums, and no byte read outside the vectors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rapport::index::kernels::{Kernel, Line, Portable, Task, Weights, dispatch};
use rapport::index::vectors::dot;

struct Both<'a>(&'a [Weights], &'a [Line], &'a [Line]);

impl Task for Both<'_> {
    type Output = [i32; 7];

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> [i32; 7] {
        let Both(weights, left, right) = self;
        let [a, b, c, d] = kernel.four(weights, [left; 4]);
        [kernel.nibbles(weights, left), kernel.bytes(left, right), kernel.bytes(right, left), a, b, c, d]
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, values)) = input.split_first() else { return };
    let line = |bytes: &[u8]| Line(std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(bytes.len() as u8)));
    // Each ends where its memory ends; now and then they differ in length.
    let (left, right) = values.split_at(values.len() / 2);
    let mut lines = [left, right].map(|half| half.chunks(64).map(line).collect::<Vec<Line>>());
    lines[usize::from(how & 1)].truncate(usize::from(how >> 4));
    let [left, right] = lines.map(Vec::into_boxed_slice);
    let weights: Box<[Weights]> = values
        .chunks(128)
        .map(|chunk| std::array::from_fn(|at| chunk.get(at).map_or(-128, |byte| byte.cast_signed())))
        .collect();
    for task in [Both(&weights, &left, &right), Both(&weights[..weights.len() / 2], &right, &left)] {
        let Both(weights, left, right) = task;
        assert_eq!(dispatch(task), Both(weights, left, right).run(Portable));
    }

    let off = usize::from(how % 16).min(values.len());
    let floats: Box<[f32]> = values.iter().map(|byte| f32::from(byte.cast_signed()) / 100.0).collect();
    let (left, right) = (&floats[off..], &floats[..floats.len() - off]);
    let pairs = || left.iter().zip(right).map(|(a, b)| f64::from(*a) * f64::from(*b));
    let (plain, size): (f64, f64) = (pairs().sum(), pairs().map(f64::abs).sum());
    let found = f64::from(dot(left, right));
    assert!((found - plain).abs() <= 1e-5 * (1.0 + size), "{} floats at {off}: {found}, not {plain}", left.len());
});
