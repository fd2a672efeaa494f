//! Vectors are those of the Python reference, whatever they are embedded with.

use rapport::embed::UnitVector;

use crate::common::embedder;

/// The texts and vectors that tests/reference/embed_reference.py wrote.
fn reference() -> (Vec<String>, Vec<UnitVector>) {
    let texts: Vec<String> = serde_json::from_str(include_str!("reference/minilm.json")).expect("texts");
    let values: Vec<f32> = include_bytes!("reference/minilm.bin")
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
        .collect();
    let vectors: Vec<UnitVector> =
        values.chunks_exact(384).map(|values| UnitVector::new(values.to_vec()).expect("a vector")).collect();
    assert_eq!(texts.len(), vectors.len());
    (texts, vectors)
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// In f64: near one, f32 has too few digits left for a bound of .99999.
fn cosine(a: &UnitVector, b: &UnitVector) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn vectors_are_the_python_references() {
    let (texts, expected) = reference();
    assert_eq!(texts.len(), 50);
    let found = embedder().embed(&borrowed(&texts)).expect("vectors");
    for ((text, found), expected) in texts.iter().zip(&found).zip(&expected) {
        let cosine = cosine(found, expected);
        assert!(cosine > 0.9999, "{cosine} for {text:?}");
    }
}

#[test]
fn a_text_has_one_vector_alone_and_in_any_batch() {
    let (texts, _) = reference();
    let embedder = embedder();
    let alone: Vec<UnitVector> =
        texts.iter().map(|text| embedder.embed(&[text]).expect("a vector").remove(0)).collect();
    // Many copies, so that every length makes batches of several sizes; and backwards, so that neighbours change.
    let mut many: Vec<&str> = borrowed(&texts).into_iter().cycle().take(texts.len() * 3).collect();
    many.reverse();
    let batched = embedder.embed(&many).expect("vectors");
    for (at, vector) in batched.iter().rev().enumerate() {
        let cosine = cosine(vector, &alone[at % texts.len()]);
        assert!(cosine > 0.99999, "{cosine} for {:?}", texts[at % texts.len()]);
    }
}

#[test]
fn the_same_texts_give_the_same_bits() {
    let (texts, _) = reference();
    let (embedder, texts) = (embedder(), borrowed(&texts));
    let first = embedder.embed(&texts).expect("vectors");
    assert_eq!(first, embedder.embed(&texts).expect("vectors"));
}

#[test]
fn nothing_of_a_long_text_is_cut_off() {
    let start = "I teach mathematics at a school. ".repeat(60);
    let ends = ["I am afraid of flying.", "My garden is full of roses."];
    let texts: Vec<String> = ends.iter().map(|end| format!("{start}{end}")).collect();
    let vectors = embedder().embed(&borrowed(&texts)).expect("vectors");
    assert!(cosine(&vectors[0], &vectors[1]) < 0.99999, "the ends make no difference");
}

#[test]
fn no_texts_have_no_vectors() {
    assert_eq!(embedder().embed(&[]).expect("no failure"), []);
}

#[test]
fn any_number_of_threads_may_call_at_once_rayons_too() {
    use rayon::prelude::*;
    let (texts, expected) = reference();
    let embedder = embedder();
    let found: Vec<Vec<UnitVector>> = (0..16)
        .into_par_iter()
        .map(|turn| embedder.embed(&borrowed(&texts[turn..turn + 20])).expect("vectors"))
        .collect();
    for (turn, vectors) in found.iter().enumerate() {
        assert!(vectors.iter().zip(&expected[turn..]).all(|(a, b)| cosine(a, b) > 0.9999));
    }
}

#[test]
fn the_model_says_what_its_vectors_depend_on() {
    let embedder = embedder();
    let model = embedder.model();
    assert_eq!((model.dimension, model.max_tokens), (384, 256));
    assert_eq!(model.languages, ["en"]);
    let mut other = model.clone();
    other.templates.profile.pop();
    assert_eq!(model.id(), other.id(), "a text's own hash covers the templates");
    other.content.push('x');
    assert_ne!(model.id(), other.id());
    assert!(model.id().starts_with("all-MiniLM-L6-v2@"));
}
