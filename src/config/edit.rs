//! Options changed in a configuration file's text. Whatever else stands in it, comments and order too, stays as it is.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::ConfigError;
use crate::member::Role;
use crate::search::weights::{Feature, Weights};
use crate::store::without_passwords;

/// The text of a file with other weights; it says `before` so far.
///
/// # Errors
/// [`ConfigError::Invalid`] where it is no configuration.
pub(crate) fn with_weights(file: &Path, text: &str, before: &Weights, after: &Weights) -> Result<String, ConfigError> {
    let mut document = document(file, text)?;
    let table = table(file, &mut document, "weights")?;
    for feature in Feature::ALL {
        let weight = after.of(*feature);
        // What stays is left as it is written.
        if weight != before.of(*feature) {
            state(table, feature.name(), shortest(weight).into());
        }
    }
    Ok(document.to_string())
}

/// The text of a file with the guidelines for a role named in it.
///
/// # Errors
/// As [`with_weights`].
pub(crate) fn naming_guidelines(file: &Path, text: &str, role: Role, named: &str) -> Result<String, ConfigError> {
    let mut document = document(file, text)?;
    state(table(file, &mut document, "programme")?, guidelines_option(role), named.into());
    Ok(document.to_string())
}

/// The option of `[programme]` that names the guidelines for a role.
pub(crate) fn guidelines_option(role: Role) -> &'static str {
    match role {
        Role::Mentor => "guidelines_mentor",
        Role::Mentee => "guidelines_mentee",
    }
}

/// A weight as a person writes it: 0.45, not 0.44999998807907104.
fn shortest(weight: f32) -> f64 {
    weight.to_string().parse().unwrap_or(f64::from(weight))
}

fn document(file: &Path, text: &str) -> Result<DocumentMut, ConfigError> {
    text.parse().map_err(|error: toml_edit::TomlError| ConfigError::Invalid {
        path: file.to_owned(),
        problem: without_passwords(&error.to_string()),
    })
}

/// A table of a document, made where there is none.
fn table<'a>(file: &Path, document: &'a mut DocumentMut, name: &str) -> Result<&'a mut dyn TableLike, ConfigError> {
    let item = document.entry(name).or_insert_with(|| Item::Table(Table::new()));
    let problem = || ConfigError::Invalid { path: file.to_owned(), problem: format!("{name} is no table") };
    item.as_table_like_mut().ok_or_else(problem)
}

/// States an option; a comment beside it stays.
fn state(table: &mut dyn TableLike, option: &str, value: Value) {
    match table.get_mut(option).and_then(Item::as_value_mut) {
        Some(stated) => {
            let decor = stated.decor().clone();
            *stated = value;
            *stated.decor_mut() = decor;
        }
        None => drop(table.insert(option, Item::Value(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(text: &str, changes: &[(Feature, f32)]) -> String {
        let before = toml::from_str::<super::super::Config>(text).unwrap().weights;
        let change = |weights: Weights, (feature, weight): &(Feature, f32)| weights.with(*feature, *weight);
        let after = changes.iter().fold(before.clone(), change);
        let written = with_weights(Path::new("rapport.toml"), text, &before, &after).unwrap();
        assert_eq!(toml::from_str::<super::super::Config>(&written).unwrap().weights, after, "{written}");
        written
    }

    #[test]
    fn weights_are_changed_and_all_else_stays_as_it_is_written() {
        let text = "# Ours.\nindex = 'here'\n\n[weights] # as of May\n# What they do.\nprofession = 0.450 # most\n\
                    school = 0.020\n\n[server]\nqueue = 64 # enough\n# The end.\n";
        let written = weighed(text, &[(Feature::Profession, 0.3), (Feature::Hometown, 2.5)]);
        let expected =
            text.replace("0.450 # most", "0.3 # most").replace("school = 0.020\n", "school = 0.020\nhometown = 2.5\n");
        assert_eq!(written, expected);
        assert_eq!(weighed(text, &[]), text);
    }

    #[test]
    fn weights_are_written_wherever_a_table_of_them_stands_or_may_stand() {
        let changes = &[(Feature::School, 0.07), (Feature::Profession, 1e-7), (Feature::Industry, 0.0)];
        for (text, expected) in [
            ("", "[weights]\nprofession = 0.0000001\nindustry = 0.0\nschool = 0.07\n"),
            ("[weights]\n", "[weights]\nprofession = 0.0000001\nindustry = 0.0\nschool = 0.07\n"),
            (
                "[server]\nqueue = 1\n# end\n",
                "[server]\nqueue = 1\n\n[weights]\nprofession = 0.0000001\nindustry = 0.0\nschool = 0.07\n# end\n",
            ),
            ("weights = { school = 1 }\n", "weights = { school = 0.07 , profession = 0.0000001, industry = 0.0 }\n"),
            (
                "weights.school = 1\nindex = 'x'\n",
                "weights.school = 0.07\nweights.profession = 0.0000001\nweights.industry = 0.0\nindex = 'x'\n",
            ),
        ] {
            assert_eq!(weighed(text, changes), expected);
        }
    }

    #[test]
    fn guidelines_are_named_once() {
        let named = |text: &str, name: &str| {
            let written = naming_guidelines(Path::new("rapport.toml"), text, Role::Mentor, name).unwrap();
            let read = toml::from_str::<super::super::Config>(&written).unwrap();
            assert_eq!(read.programme.guidelines_mentor.as_deref(), Some(Path::new(name)), "{written}");
            written
        };
        let text = "[programme]\ncapacity = 2\n\n# Steering.\n[programme.steering]\nload = 0.1\n";
        let expected = text.replace("capacity = 2\n", "capacity = 2\nguidelines_mentor = \"a \\\"b\\\".md\"\n");
        assert_eq!(named(text, "a \"b\".md"), expected.replace("\"a \\\"b\\\".md\"", "'a \"b\".md'"));
        assert_eq!(named("# Steering.\n[programme.steering]\nload = 0.1\n", "a.md").matches("[programme").count(), 2);
        let again = named(&named("", "a.md"), "b.md");
        assert_eq!(again, "[programme]\nguidelines_mentor = \"b.md\"\n");
    }
}
