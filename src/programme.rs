//! The mentoring programme, run by its organisers: what goes beyond one person's search.

pub mod cohort;
