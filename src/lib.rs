//! rapport finds people the mentors they should know, and says why.

pub mod community;
pub mod config;
pub mod control;
mod durable;
pub mod embed;
pub mod evaluate;
mod fleet;
pub mod index;
pub mod member;
pub mod milvus;
pub mod programme;
pub mod rebuild;
pub mod sample;
pub mod search;
pub mod server;
pub mod store;
