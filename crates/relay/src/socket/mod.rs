//! The socket of a device: frames in, frames out. What they mean is the queue's business.

mod connection;
mod frames;
pub mod routes;
