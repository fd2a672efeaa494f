//! Integer dot products, written for each processor and chosen at run time: AVX-512 VNNI, AVX2, NEON, or portable code.
//! All give the same integers, so an index built on one machine is the one that another would have built.
//!
//! Own code rather than a library's, because it is inlined into the walk: calling simsimd's kernels through its table
//! of functions cost a walk a third more (ARCHITECTURE.md, "What the kernels are worth"). One of two modules with
//! `unsafe`; the other is `mapped`.
#![allow(unsafe_code)]

/// A cache line of codes or links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

impl Line {
    /// All zero.
    pub const ZERO: Line = Line([0; 64]);
}

/// The values that one line of four-bit codes is compared with: the low nibbles with the first 64, the high ones with
/// the others.
pub type Weights = [i8; 128];

/// Dot products of whole lines. What one slice has beyond the other is left out.
pub trait Kernel: Copy {
    /// Of a query's weights and four-bit codes.
    fn nibbles(self, weights: &[Weights], codes: &[Line]) -> i32;
    /// Of a query's weights and four vectors of four-bit codes, all of one length: cheaper than one after the other.
    #[inline(always)]
    fn four(self, weights: &[Weights], codes: [&[Line]; 4]) -> [i32; 4] {
        codes.map(|codes| self.nibbles(weights, codes))
    }
    /// Of two vectors of eight-bit signed codes.
    fn bytes(self, left: &[Line], right: &[Line]) -> i32;
}

/// Work that is compiled once for each kernel. `run` must be `#[inline(always)]`, or it calls kernels instead of holding
/// them.
pub trait Task {
    /// What the work gives.
    type Output;
    /// Does the work.
    fn run<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// The instruction sets that there are kernels for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// Any processor.
    Portable,
    /// x86-64 of 2013 and later.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 F, BW and VNNI: servers of 2019 and later.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// Every aarch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Instructions {
    /// All that this processor has, the best last.
    pub fn available() -> impl DoubleEndedIterator<Item = Instructions> {
        #[cfg(target_arch = "x86_64")]
        let further = {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni");
            [is_x86_feature_detected!("avx2").then_some(Instructions::Avx2), avx512.then_some(Instructions::Avx512Vnni)]
        };
        #[cfg(target_arch = "aarch64")]
        let further = [Some(Instructions::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let further = [None];
        std::iter::once(Instructions::Portable).chain(further.into_iter().flatten())
    }
}

/// Runs a task with the best kernel of this processor.
#[inline]
pub fn dispatch<T: Task>(task: T) -> T::Output {
    match Instructions::available().next_back() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `available` names only what the processor has.
        Some(Instructions::Avx512Vnni) => unsafe { x86::avx512(task) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Some(Instructions::Avx2) => unsafe { x86::avx2(task) },
        #[cfg(target_arch = "aarch64")]
        Some(Instructions::Neon) => task.run(neon::Neon(())),
        Some(Instructions::Portable) | None => task.run(Portable),
    }
}

/// The kernel for any processor, and the definition of what the others compute.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Kernel for Portable {
    #[inline(always)]
    fn nibbles(self, weights: &[Weights], codes: &[Line]) -> i32 {
        let line = |(weights, codes): (&Weights, &Line)| -> i32 {
            let (first, second) = weights.split_at(64);
            let low = codes.0.iter().zip(first).map(|(code, weight)| i32::from(code & 15) * i32::from(*weight));
            let high = codes.0.iter().zip(second).map(|(code, weight)| i32::from(code >> 4) * i32::from(*weight));
            low.sum::<i32>() + high.sum::<i32>()
        };
        weights.iter().zip(codes).map(line).sum()
    }

    #[inline(always)]
    fn bytes(self, left: &[Line], right: &[Line]) -> i32 {
        let value = |(left, right): (&u8, &u8)| i32::from(left.cast_signed()) * i32::from(right.cast_signed());
        left.iter().zip(right).map(|(left, right)| left.0.iter().zip(&right.0).map(value).sum::<i32>()).sum()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Kernel, Line, Task, Weights};

    // The kernels' values are made here only, where their instructions are known to be there.
    #[derive(Clone, Copy)]
    struct Avx512(());
    #[derive(Clone, Copy)]
    struct Avx2(());

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn avx512<T: Task>(task: T) -> T::Output {
        task.run(Avx512(()))
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2<T: Task>(task: T) -> T::Output {
        task.run(Avx2(()))
    }

    impl Kernel for Avx512 {
        #[inline(always)]
        fn nibbles(self, weights: &[Weights], codes: &[Line]) -> i32 {
            // SAFETY: an `Avx512` exists only in `avx512`, which has these instructions; so below.
            unsafe { nibbles512(weights, codes) }
        }

        #[inline(always)]
        fn four(self, weights: &[Weights], codes: [&[Line]; 4]) -> [i32; 4] {
            // SAFETY: as above.
            unsafe { four512(weights, codes) }
        }

        #[inline(always)]
        fn bytes(self, left: &[Line], right: &[Line]) -> i32 {
            // SAFETY: as above.
            unsafe { bytes512(left, right) }
        }
    }

    impl Kernel for Avx2 {
        #[inline(always)]
        fn nibbles(self, weights: &[Weights], codes: &[Line]) -> i32 {
            // SAFETY: an `Avx2` exists only in `avx2`, which has these instructions; so below.
            unsafe { nibbles256(weights, codes) }
        }

        #[inline(always)]
        fn bytes(self, left: &[Line], right: &[Line]) -> i32 {
            // SAFETY: as above.
            unsafe { bytes256(left, right) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn nibbles512(weights: &[Weights], codes: &[Line]) -> i32 {
        let fifteen = _mm512_set1_epi8(15);
        let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (weights, codes) in weights.iter().zip(codes) {
            // SAFETY: both pointers have 64 bytes behind them, the second after 64 others of its 128.
            let (codes, first, second) = unsafe {
                let weights = weights.as_ptr();
                (
                    _mm512_loadu_si512(codes.0.as_ptr().cast()),
                    _mm512_loadu_si512(weights.cast()),
                    _mm512_loadu_si512(weights.add(64).cast()),
                )
            };
            low = _mm512_dpbusd_epi32(low, _mm512_and_si512(codes, fifteen), first);
            high = _mm512_dpbusd_epi32(high, _mm512_and_si512(_mm512_srli_epi16::<4>(codes), fifteen), second);
        }
        _mm512_reduce_add_epi32(_mm512_add_epi32(low, high))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn four512(weights: &[Weights], codes: [&[Line]; 4]) -> [i32; 4] {
        let fifteen = _mm512_set1_epi8(15);
        let zero = _mm512_setzero_si512();
        let (mut low, mut high) = ([zero; 4], [zero; 4]);
        let [first, second, third, fourth] = codes;
        let lines = first.iter().zip(second).zip(third.iter().zip(fourth));
        for (weights, ((first, second), (third, fourth))) in weights.iter().zip(lines) {
            // SAFETY: 64 bytes from 0 and from 64 of 128.
            let (of_low, of_high) = unsafe {
                let weights = weights.as_ptr();
                (_mm512_loadu_si512(weights.cast()), _mm512_loadu_si512(weights.add(64).cast()))
            };
            for (at, line) in [first, second, third, fourth].into_iter().enumerate() {
                // SAFETY: a line is 64 bytes.
                let codes = unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) };
                low[at] = _mm512_dpbusd_epi32(low[at], _mm512_and_si512(codes, fifteen), of_low);
                // The high nibbles stay where they are, and count sixteenfold.
                high[at] = _mm512_dpbusd_epi32(high[at], _mm512_andnot_si512(fifteen, codes), of_high);
            }
        }
        let halved = |at: usize| {
            let sum = _mm512_add_epi32(low[at], _mm512_srai_epi32::<4>(high[at]));
            _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum))
        };
        let (first, second) = (_mm256_hadd_epi32(halved(0), halved(1)), _mm256_hadd_epi32(halved(2), halved(3)));
        let both = _mm256_hadd_epi32(first, second);
        let sums = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256::<1>(both));
        let mut four = [0; 4];
        // SAFETY: four values of 32 bits.
        unsafe { _mm_storeu_si128(four.as_mut_ptr().cast(), sums) };
        four
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn bytes512(left: &[Line], right: &[Line]) -> i32 {
        // The instruction wants one unsigned side: 128 is added to the left, and 128 times the right taken off.
        let offset = _mm512_set1_epi8(i8::MIN);
        let (mut shifted, mut excess) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (left, right) in left.iter().zip(right) {
            // SAFETY: a line is 64 bytes.
            let (left, right) =
                unsafe { (_mm512_loadu_si512(left.0.as_ptr().cast()), _mm512_loadu_si512(right.0.as_ptr().cast())) };
            shifted = _mm512_dpbusd_epi32(shifted, _mm512_xor_si512(left, offset), right);
            excess = _mm512_dpbusd_epi32(excess, offset, right);
        }
        _mm512_reduce_add_epi32(_mm512_sub_epi32(shifted, excess))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn sum256(values: __m256i) -> i32 {
        let four = _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b_00_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn nibbles256(weights: &[Weights], codes: &[Line]) -> i32 {
        let (fifteen, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
        let mut sum = _mm256_setzero_si256();
        for (weights, codes) in weights.iter().zip(codes) {
            for half in [0, 32] {
                // SAFETY: 32 bytes from 0 or 32 of 64, and from 0, 32, 64 or 96 of 128.
                let (codes, first, second) = unsafe {
                    let weights = weights.as_ptr().add(half);
                    (
                        _mm256_loadu_si256(codes.0.as_ptr().add(half).cast()),
                        _mm256_loadu_si256(weights.cast()),
                        _mm256_loadu_si256(weights.add(64).cast()),
                    )
                };
                // Four products of at most 15 · 128 stay below 2^15.
                let low = _mm256_maddubs_epi16(_mm256_and_si256(codes, fifteen), first);
                let high = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(codes), fifteen), second);
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(low, high), ones));
            }
        }
        sum256(sum)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn bytes256(left: &[Line], right: &[Line]) -> i32 {
        let mut sum = _mm256_setzero_si256();
        for (left, right) in left.iter().zip(right) {
            for quarter in [0, 16, 32, 48] {
                // SAFETY: 16 bytes from at most 48 of 64.
                let (left, right) = unsafe {
                    (
                        _mm_loadu_si128(left.0.as_ptr().add(quarter).cast()),
                        _mm_loadu_si128(right.0.as_ptr().add(quarter).cast()),
                    )
                };
                let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(left), _mm256_cvtepi8_epi16(right));
                sum = _mm256_add_epi32(sum, products);
            }
        }
        sum256(sum)
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::*;

    use super::{Kernel, Line, Weights};

    #[derive(Clone, Copy)]
    pub(super) struct Neon(pub(super) ());

    impl Kernel for Neon {
        #[inline(always)]
        fn nibbles(self, weights: &[Weights], codes: &[Line]) -> i32 {
            // SAFETY: NEON is part of aarch64; 16 bytes are read from at most 48 of 64, and from at most 112 of 128.
            unsafe {
                let fifteen = vdupq_n_u8(15);
                let mut sum = vdupq_n_s32(0);
                for (weights, codes) in weights.iter().zip(codes) {
                    for quarter in [0, 16, 32, 48] {
                        let codes = vld1q_u8(codes.0.as_ptr().add(quarter));
                        let weights = weights.as_ptr().add(quarter);
                        let (first, second) = (vld1q_s8(weights), vld1q_s8(weights.add(64)));
                        sum = multiply(sum, vreinterpretq_s8_u8(vandq_u8(codes, fifteen)), first);
                        sum = multiply(sum, vreinterpretq_s8_u8(vshrq_n_u8::<4>(codes)), second);
                    }
                }
                vaddvq_s32(sum)
            }
        }

        #[inline(always)]
        fn bytes(self, left: &[Line], right: &[Line]) -> i32 {
            // SAFETY: NEON is part of aarch64; 16 bytes are read from at most 48 of 64.
            unsafe {
                let mut sum = vdupq_n_s32(0);
                for (left, right) in left.iter().zip(right) {
                    for quarter in [0, 16, 32, 48] {
                        let left = vld1q_s8(left.0.as_ptr().add(quarter).cast());
                        sum = multiply(sum, left, vld1q_s8(right.0.as_ptr().add(quarter).cast()));
                    }
                }
                vaddvq_s32(sum)
            }
        }
    }

    /// Adds sixteen products to four sums.
    #[inline]
    #[target_feature(enable = "neon")]
    fn multiply(sum: int32x4_t, left: int8x16_t, right: int8x16_t) -> int32x4_t {
        let low = vmull_s8(vget_low_s8(left), vget_low_s8(right));
        let high = vmull_s8(vget_high_s8(left), vget_high_s8(right));
        vpadalq_s16(vpadalq_s16(sum, low), high)
    }
}

/// Asks the processor for the cache lines of values that are read soon; does nothing where there is no such request.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = values.as_ptr().cast::<i8>();
        let mut offset = 0;
        while offset < size_of_val(values) {
            // SAFETY: the offset lies within the slice; a prefetch reads nothing, and SSE is part of x86-64.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(offset)) };
            offset += 64;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Both<'a>(&'a [Weights], &'a [Line], &'a [Line]);

    impl Task for Both<'_> {
        type Output = (i32, i32, [i32; 4]);

        #[inline(always)]
        fn run<K: Kernel>(self, kernel: K) -> Self::Output {
            let Both(weights, left, right) = self;
            let four = kernel.four(weights, [left, right, right, left]);
            (kernel.nibbles(weights, left), kernel.bytes(left, right), four)
        }
    }

    fn with(instructions: Instructions, task: Both<'_>) -> (i32, i32, [i32; 4]) {
        match instructions {
            Instructions::Portable => task.run(Portable),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only what is available is asked for.
            Instructions::Avx2 => unsafe { x86::avx2(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Instructions::Avx512Vnni => unsafe { x86::avx512(task) },
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => task.run(neon::Neon(())),
        }
    }

    fn agree(weights: &[Weights], left: &[Line], right: &[Line]) -> Result<(), TestCaseError> {
        let values = |line: &Line| line.0.map(|byte| i64::from(byte.cast_signed()));
        let bytes: i64 = left
            .iter()
            .zip(right)
            .flat_map(|(left, right)| values(left).into_iter().zip(values(right)))
            .map(|(left, right)| left * right)
            .sum();
        let nibble = |line: &Line, at: usize| i64::from(if at < 64 { line.0[at] & 15 } else { line.0[at - 64] >> 4 });
        let nibbles = |lines: &[Line]| -> i64 {
            let pairs = weights.iter().zip(lines);
            pairs.flat_map(|(weights, line)| (0..128).map(move |at| i64::from(weights[at]) * nibble(line, at))).sum()
        };
        let (of_left, of_right) = (nibbles(left), nibbles(right));
        for instructions in Instructions::available() {
            let (of_nibbles, of_bytes, of_four) = with(instructions, Both(weights, left, right));
            prop_assert_eq!(i64::from(of_nibbles), of_left, "nibbles by {:?}", instructions);
            prop_assert_eq!(i64::from(of_bytes), bytes, "bytes by {:?}", instructions);
            let expected = [of_left, of_right, of_right, of_left];
            prop_assert_eq!(of_four.map(i64::from), expected, "four by {:?}", instructions);
        }
        Ok(())
    }

    #[test]
    fn extremes_do_not_overflow() {
        for byte in [0x00, 0x7f, 0x80, 0x81, 0xff] {
            for other in [0x7f, 0x80, 0xff] {
                let weights = vec![[i8::from_ne_bytes([other]); 128]; 12];
                agree(&weights, &[Line([byte; 64]); 12], &[Line([other; 64]); 12]).unwrap();
            }
        }
    }

    proptest! {
        #[test]
        fn every_kernel_gives_the_same_integers(
            lines in prop::collection::vec((any::<[[u8; 32]; 4]>(), any::<[[u8; 32]; 4]>()), 0..7),
        ) {
            let line = |halves: &[[u8; 32]]| Line(std::array::from_fn(|at| halves[at / 32][at % 32]));
            let left: Vec<Line> = lines.iter().map(|(left, _)| line(&left[..2])).collect();
            let right: Vec<Line> = lines.iter().map(|(_, right)| line(&right[..2])).collect();
            let weights: Vec<Weights> = lines
                .iter()
                .map(|(_, right)| std::array::from_fn(|at| right[at / 32][at % 32].cast_signed()))
                .collect();
            agree(&weights, &left, &right)?;
        }
    }
}
