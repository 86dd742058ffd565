//! The real binary: a relay and people around it, each command a process.

mod audit;
mod boundary;
mod business;
mod conversation;
mod crashes;
mod daemon;
mod devices;
mod failures;
mod files;
mod imports;
mod labels;
mod managing;
mod media;
mod outbox;
mod people;
mod proxy;
mod readme;
mod secrecy;
mod up;
