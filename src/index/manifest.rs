//! What a generation says of itself: `manifest.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facet::FacetReport;
use super::graph::GraphParameters;
use crate::member::fold::Aliases;

/// The format this program writes and reads.
pub const FORMAT: u32 = 5;

/// A generation's description, written last and read first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the generation's files.
    pub format: u32,
    /// The generation's number.
    pub generation: u64,
    /// When it was built (RFC 3339, UTC).
    pub created: String,
    /// The generation that was current when it was built: what a rollback goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
    /// The last change of the members' database that it holds.
    pub sequence: u64,
    /// The model its vectors came from.
    pub model: ModelUsed,
    /// How its graphs were built.
    pub graph: GraphParameters,
    /// What an absent `adult` means in it.
    pub adult_when_absent: bool,
    /// The spellings that are one thing in it.
    pub aliases: Aliases,
    /// Who is in it.
    pub counts: Counts,
    /// The facet `profile`.
    pub profile: FacetReport,
    /// The facet `interests`.
    pub interests: FacetReport,
    /// How long the build took, in seconds.
    pub seconds: f64,
    /// The BLAKE3 checksum of each other file, as in its header: a whole file of another generation is not this one's.
    pub files: BTreeMap<String, String>,
    /// BLAKE3 of this manifest as compact JSON with an empty checksum.
    pub checksum: String,
}

impl Manifest {
    /// Sets the checksum of what is said so far.
    pub(crate) fn sealed(self) -> Manifest {
        Manifest { checksum: self.own_checksum(), ..self }
    }

    /// Reads a manifest of this format that still says what it was written with.
    pub(super) fn read(json: &str) -> Result<Manifest, String> {
        /// Of another format nothing but its number is known.
        #[derive(Deserialize)]
        struct Stated {
            format: u32,
        }
        let Stated { format } = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!("has format {format}; this program reads {FORMAT}"));
        }
        let manifest: Manifest = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if manifest.checksum != manifest.own_checksum() {
            return Err("does not match its checksum: it changed after it was written".into());
        }
        Ok(manifest)
    }

    fn own_checksum(&self) -> String {
        let unsealed = Manifest { checksum: String::new(), ..self.clone() };
        blake3::hash(&serde_json::to_vec(&unsealed).unwrap_or_default()).to_hex().to_string()
    }
}

/// The model of a generation; another one's vectors are never compared with its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    /// Its name in the models' manifest.
    pub name: String,
    /// What vectors depend on: files, pooling, splitting of long texts.
    pub fingerprint: String,
    /// Values to a vector.
    pub dimension: usize,
    /// Languages it covers (ISO 639-1); empty where unknown.
    pub languages: Vec<String>,
    /// Fields joined into the facet `profile`.
    pub profile: Vec<String>,
    /// Fields joined into what a member wants.
    pub wants: Vec<String>,
}

/// Numbers of a generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All members.
    pub members: u64,
    /// Members with the role mentor.
    pub mentors: u64,
    /// Mentors who can be found: of age and not paused.
    pub findable: u64,
    /// Profiles in languages that the model does not cover.
    pub uncovered: u64,
    /// Distinct texts with a vector.
    pub texts: u64,
}
