//! The host on both engines.

mod analytics;
mod apps;
mod blocks;
mod bounds;
mod cloud_api;
mod console;
mod conversations;
mod door;
mod imports;
mod keeping;
mod lists;
mod management;
mod numbers;
mod parse;
mod purposes;
mod repeating;
mod routes;
mod rules;
mod sealing;
mod stage;
mod statuses;
mod templates;
mod uploads;
mod webhooks;
mod world;
