//! Whether the model understands a text's language.
//!
//! A vector of a text in a language that the model never learned is near nothing meaningful, so such a profile gets no
//! similarity term; everything else about it counts as ever.

use whatlang::{Lang, Script};

/// Shorter Latin-script texts are taken for covered: job titles are too short to tell languages apart.
const LETTERS_TO_TELL: usize = 24;

/// The languages of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// None: every language.
    languages: Option<Vec<Lang>>,
}

impl Coverage {
    /// Coverage from ISO 639-1 codes as the model's manifest names them. An empty list, and a code that the detector
    /// does not know, cover every language.
    pub fn new(codes: &[String]) -> Coverage {
        let languages: Option<Vec<Lang>> = codes.iter().map(|code| language(code)).collect();
        Coverage { languages: languages.filter(|languages| !languages.is_empty()) }
    }

    /// Whether the model understands the text, as far as one can tell; in doubt, yes.
    pub fn covers(&self, text: &str) -> bool {
        let Some(languages) = &self.languages else { return true };
        let Some(script) = whatlang::detect_script(text) else { return true };
        let letters = text.chars().filter(|letter| letter.is_alphabetic()).count();
        // Telling languages apart costs far more than telling scripts apart; short phrases are many.
        if script == Script::Latin && letters < LETTERS_TO_TELL {
            return languages.iter().any(|language| script_of(*language) == Script::Latin);
        }
        // The detector takes names and job titles for rare languages: English small words outvote it.
        if script == Script::Latin && languages.contains(&Lang::Eng) && speaks_english(text) {
            return true;
        }
        let Some(found) = whatlang::detect(text) else { return true };
        if script != Script::Latin || languages.contains(&found.lang()) {
            return languages.contains(&found.lang());
        }
        // Spanish and Portuguese, say, are hard to tell apart, but neither is hard to tell from a covered language.
        let against = languages.iter().copied().chain([found.lang()]).collect();
        let told = whatlang::Detector::with_allowlist(against).detect(text);
        !told.is_some_and(|told| told.lang() == found.lang() && told.is_reliable())
    }
}

fn script_of(language: Lang) -> Script {
    match language {
        Lang::Ara => Script::Arabic,
        Lang::Hin => Script::Devanagari,
        Lang::Jpn => Script::Hiragana,
        Lang::Kor => Script::Hangul,
        Lang::Rus | Lang::Ukr => Script::Cyrillic,
        Lang::Cmn => Script::Mandarin,
        _ => Script::Latin,
    }
}

/// Whether one of English's most common words stands in the text, and none that is common in another language too.
fn speaks_english(text: &str) -> bool {
    const SMALL: [&str; 14] =
        ["the", "and", "of", "for", "with", "at", "to", "is", "my", "from", "student", "manager", "engineer", "who"];
    text.split(|letter: char| !letter.is_alphanumeric())
        .any(|word| SMALL.iter().any(|small| word.eq_ignore_ascii_case(small)))
}

fn language(code: &str) -> Option<Lang> {
    Some(match code {
        "ar" => Lang::Ara,
        "de" => Lang::Deu,
        "en" => Lang::Eng,
        "es" => Lang::Spa,
        "fr" => Lang::Fra,
        "hi" => Lang::Hin,
        "it" => Lang::Ita,
        "ja" => Lang::Jpn,
        "ko" => Lang::Kor,
        "nl" => Lang::Nld,
        "pl" => Lang::Pol,
        "pt" => Lang::Por,
        "ru" => Lang::Rus,
        "tr" => Lang::Tur,
        "uk" => Lang::Ukr,
        "zh" => Lang::Cmn,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_told_from_what_the_model_never_learned() {
        let english = Coverage::new(&["en".into()]);
        for (text, covered) in [
            ("Registered nurse", true),
            ("Ph.D. Student in Political Science at Harvard University", true),
            ("Enfermera de urgencias en un hospital público; ayudo a estudiantes a preparar el examen", false),
            ("Ingénieur logiciel, j'aide les étudiants à trouver leur premier emploi", false),
            ("软件工程师，喜欢教书", false),
            ("ممرضة في قسم الطوارئ", false),
            ("🙂🙂", true),
            ("", true),
        ] {
            assert_eq!(english.covers(text), covered, "{text}");
        }
        assert!(Coverage::new(&[]).covers("软件工程师"), "a model of unnamed languages is taken at its word");
    }
}
