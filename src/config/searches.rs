//! Options of the log of searches.

use serde::{Deserialize, Serialize};

/// `[search.log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchLogConfig {
    /// Days that a search and its answer are kept; 0: none is.
    pub keep_days: u32,
    /// Whether what somebody sought in their own words, or by a profile, is kept too.
    pub texts: bool,
}

impl Default for SearchLogConfig {
    fn default() -> Self {
        SearchLogConfig { keep_days: 30, texts: false }
    }
}
