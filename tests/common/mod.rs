//! What several tests share.
#![allow(dead_code, reason = "each test uses a part")]

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use rapport::embed::{Embedder, Models};

/// The repository's own models folder.
pub fn models() -> Models {
    Models::open(concat!(env!("CARGO_MANIFEST_DIR"), "/models")).expect("the manifest")
}

/// The real model, fetched by the first test that needs it and loaded once a process.
pub fn embedder() -> Arc<dyn Embedder> {
    static LOADED: OnceLock<Arc<dyn Embedder>> = OnceLock::new();
    let load = || {
        let models = models();
        let threads = NonZeroUsize::new(2).expect("not zero");
        models.ensure(models.default_name(), threads, &mut |_| {}).expect("the model")
    };
    LOADED.get_or_init(load).clone()
}
