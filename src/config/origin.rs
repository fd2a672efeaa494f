//! Where options were stated.

use std::path::{Path, PathBuf};

use crate::programme::version_of;

/// Where a configuration was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file, where one was read.
    pub file: Option<PathBuf>,
    /// The version of what the file said when it was read.
    pub version: String,
    /// Options that were stated elsewhere, in the environment or by flags.
    pub stated: Vec<String>,
}

impl Origin {
    pub(super) fn new(file: Option<&Path>, text: &str, stated: &[(String, String)]) -> Origin {
        let stated = stated.iter().map(|(option, _)| option.clone()).collect();
        Origin { file: file.map(Path::to_owned), version: version_of(text), stated }
    }

    /// The first option stated elsewhere that goes before what the file says of this one: the same, a part of it, or the
    /// table that it is in.
    pub fn goes_before(&self, option: &str) -> Option<&str> {
        let is_in = |part: &str, whole: &str| part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
        let before = |stated: &&String| *stated == option || is_in(stated, option) || is_in(option, stated);
        self.stated.iter().find(before).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_and_the_whole_go_before_the_file_and_a_like_name_does_not() {
        let of = |option: &str| Origin { stated: vec![option.into()], ..Origin::default() };
        for (stated, option, goes_before) in [
            ("weights.school", "weights", true),
            ("weights", "weights", true),
            ("programme", "programme.guidelines_mentor", true),
            ("programme.guidelines_mentor", "programme.guidelines_mentee", false),
            ("weights_of", "weights", false),
            ("server.queue", "weights", false),
        ] {
            assert_eq!(of(stated).goes_before(option), goes_before.then_some(stated), "{option}");
        }
    }
}
