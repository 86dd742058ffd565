//! Chats as the business sees them: lists, history, search.

pub(crate) mod words;
