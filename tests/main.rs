//! The tests, one program: what they share is compiled, linked and kept on the disk once, and not once for every file of them.
//! `cargo test --test it search::` runs those of one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod common;

mod access;
mod available;
mod circle;
mod cli;
mod cohort;
mod contract;
mod cron;
mod damage;
mod embed;
mod erasure;
mod evaluate;
mod exchange;
mod exchange_cohort;
mod feeds;
mod filter;
mod fleet;
mod honest;
mod http;
mod import;
mod index;
mod introductions;
mod judge;
mod kill;
mod live;
#[cfg(target_os = "linux")]
mod load;
mod milvus;
mod models;
mod names;
mod night;
mod page;
mod page_introductions;
mod page_manage;
mod page_names;
mod page_quality;
mod page_rules;
mod postgres;
mod programme;
mod rebuild;
mod replay;
mod report;
mod roll_out;
mod sample;
mod search;
mod serve;
mod small;
mod store;
mod trec;
mod tune;
mod words;
