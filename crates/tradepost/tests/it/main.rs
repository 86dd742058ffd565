//! The real binary: a relay and people around it, each command a process.

mod audit;
mod boundary;
mod business;
mod conversation;
mod crashes;
mod daemon;
mod devices;
mod failures;
mod imports;
mod labels;
mod managing;
mod outbox;
mod people;
mod proxy;
mod secrecy;
mod up;
