//! The machine under the run: what it is, how busy it is, and what the watched processes use of it.

pub mod core;
pub mod disturbances;
pub mod environment;
pub mod load;
pub mod sampler;
