//! Learning weights from judgements: coordinate ascent on nDCG@10, which keeps them few, linear and readable.
//!
//! Metzler and Croft, "Linear feature-based models for information retrieval", Information Retrieval 10, 2007: one weight
//! after the other is tried at other sizes, and the best is kept, until none gains. What is optimised is the measure
//! itself, no stand-in for it.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::search::weights::{Feature, Values, Weights};

/// How deep the measure looks.
const DEPTH: usize = 10;

/// What a weight is multiplied by when it is tried; a weight of zero is tried at these parts of all weights' sum instead.
const FACTORS: [f32; 8] = [0.0, 0.4, 0.7, 0.9, 1.1, 1.4, 2.0, 4.0];
const ENTRIES: [f32; 3] = [0.01, 0.03, 0.1];

/// A change that gains less in the mean is chance, and is not made.
const LEAST_GAIN: f64 = 2e-4;

/// Rounds over all weights.
const ROUNDS: usize = 12;

/// A query's candidates as learning sees them: values and grades, nobody's name.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Each candidate's feature values, in the order of their ids.
    values: Vec<Values>,
    /// Each candidate's grade; zero where there is none.
    grades: Vec<f32>,
    /// The DCG@10 of the best possible ranking.
    ideal: f64,
}

impl Lesson {
    /// A lesson of candidates in the order of their ids, with the grades of all who are relevant, the best first:
    /// candidates or not. Nothing where nobody is relevant: there is nothing to learn.
    pub fn new(values: Vec<Values>, grades: Vec<f32>, relevant: &[i32]) -> Option<Lesson> {
        let ideal = dcg(relevant.iter().copied().map(f64::from));
        (ideal > 0.0).then_some(Lesson { values, grades, ideal })
    }

    /// nDCG@10 of the candidates as these weights order them.
    pub fn ndcg_by(&self, weights: &Weights) -> f64 {
        self.ndcg(&self.scores(&of_all(weights)))
    }

    fn scores(&self, weights: &[f32]) -> Vec<f32> {
        self.values
            .iter()
            .map(|values| values.iter().zip(weights).map(|(value, weight)| value * weight).sum())
            .collect()
    }

    /// nDCG@10 of the candidates in the order of these scores. Of equal scores the later id is first, as in a run.
    fn ndcg(&self, scores: &[f32]) -> f64 {
        let mut best: [(f32, f32); DEPTH] = [(f32::MIN, 0.0); DEPTH];
        for (&score, &grade) in scores.iter().zip(&self.grades) {
            if score >= best[DEPTH - 1].0 {
                let mut place = DEPTH - 1;
                while place > 0 && best[place - 1].0 <= score {
                    best[place] = best[place - 1];
                    place -= 1;
                }
                best[place] = (score, grade);
            }
        }
        dcg(best.into_iter().map(|(_, grade)| f64::from(grade))) / self.ideal
    }
}

fn dcg(grades: impl Iterator<Item = f64>) -> f64 {
    grades.take(DEPTH).zip(2u32..).map(|(grade, place)| grade / f64::from(place).log2()).sum()
}

fn of_all(weights: &Weights) -> Vec<f32> {
    Feature::ALL.iter().map(|feature| weights.of(*feature)).collect()
}

/// Weights that order the lessons' candidates better, starting from others; none below zero, of the same sum.
pub fn learn(lessons: &[&Lesson], start: &Weights, seed: u64) -> Weights {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = start.clone();
    let total: f32 = Feature::ALL.iter().map(|feature| start.of(*feature)).sum();
    // What nobody in the lessons has cannot be learned about: it keeps its weight.
    let varies = |at: usize| lessons.iter().any(|lesson| lesson.values.iter().any(|values| values[at] > 0.0));
    let mut order: Vec<usize> = (0..Feature::ALL.len()).filter(|at| varies(*at)).collect();
    let mut scores: Vec<Vec<f32>> = lessons.iter().map(|lesson| lesson.scores(&of_all(&weights))).collect();
    let mut best = mean(lessons, &scores);
    for _ in 0..ROUNDS {
        order.shuffle(&mut random);
        let before = best;
        for &at in &order {
            let (feature, now) = (Feature::ALL[at], weights.of(Feature::ALL[at]));
            let sizes: Vec<f32> = if now > 0.0 {
                FACTORS.map(|factor| factor * now).to_vec()
            } else {
                ENTRIES.map(|part| part * total).to_vec()
            };
            let tried = sizes.into_iter().map(|size| {
                let moved = moved(lessons, &scores, at, size - now);
                (mean(lessons, &moved), size, moved)
            });
            if let Some((gained, size, moved)) = tried.max_by(|left, right| left.0.total_cmp(&right.0))
                && gained > best + LEAST_GAIN
            {
                (best, scores) = (gained, moved);
                weights = weights.with(feature, size);
            }
        }
        if best - before < LEAST_GAIN {
            break;
        }
    }
    let sum: f32 = Feature::ALL.iter().map(|feature| weights.of(*feature)).sum();
    let scaled = |weights: Weights, feature: &Feature| {
        let weight = weights.of(*feature) * total / sum.max(f32::MIN_POSITIVE);
        weights.with(*feature, weight)
    };
    Feature::ALL.iter().fold(weights, scaled)
}

/// The scores with one weight changed by so much.
fn moved(lessons: &[&Lesson], scores: &[Vec<f32>], at: usize, by: f32) -> Vec<Vec<f32>> {
    let one = |(lesson, scores): (&&Lesson, &Vec<f32>)| {
        scores.iter().zip(&lesson.values).map(|(score, values)| score + by * values[at]).collect()
    };
    lessons.iter().zip(scores).map(one).collect()
}

fn mean(lessons: &[&Lesson], scores: &[Vec<f32>]) -> f64 {
    let sum: f64 = lessons.iter().zip(scores).map(|(lesson, scores)| lesson.ndcg(scores)).sum();
    sum / lessons.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    /// Candidates of whom those with a high `told` are relevant, among values that say nothing.
    fn lessons(told: Feature, count: usize) -> Vec<Lesson> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let lesson = |_| {
            let values: Vec<Values> =
                (0..40).map(|_| std::array::from_fn(|_| random.random_range(0.0..1.0f32))).collect();
            let grades: Vec<f32> = values.iter().map(|values| f32::from(values[told as usize] > 0.8)).collect();
            let relevant = vec![1; grades.iter().filter(|grade| **grade > 0.0).count()];
            Lesson::new(values, grades, &relevant)
        };
        (0..count).filter_map(lesson).collect()
    }

    #[test]
    fn what_tells_gains_weight_and_the_sum_stays() {
        let lessons = lessons(Feature::Hometown, 60);
        let lessons: Vec<&Lesson> = lessons.iter().collect();
        let start = Weights::default();
        let learned = learn(&lessons, &start, 1);
        let mean = |weights: &Weights| {
            lessons.iter().map(|lesson| lesson.ndcg_by(weights)).sum::<f64>() / lessons.len() as f64
        };
        assert!(mean(&start) < 0.5 && mean(&learned) > 0.9, "{} {}", mean(&start), mean(&learned));
        let sum = |weights: &Weights| of_all(weights).iter().sum::<f32>();
        assert!((sum(&learned) - sum(&start)).abs() < 1e-4 && of_all(&learned).iter().all(|weight| *weight >= 0.0));
        assert_eq!(learn(&lessons, &start, 1), learned, "the same seed learns the same");
    }

    #[test]
    fn what_nobody_has_keeps_its_part_and_no_lesson_teaches_nothing() {
        assert_eq!(Lesson::new(vec![[0.5; Feature::ALL.len()]], vec![0.0], &[]), None);
        let start = Weights::default();
        let alike = Lesson::new(vec![[0.0; Feature::ALL.len()]; 3], vec![1.0, 0.0, 0.0], &[1]).unwrap();
        for learned in [learn(&[&alike], &start, 1), learn(&[], &start, 1)] {
            assert!(of_all(&learned).iter().zip(of_all(&start)).all(|(after, before)| (after - before).abs() < 1e-6));
        }
    }
}
