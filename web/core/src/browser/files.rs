//! Files as a browser has them: read in slices, written as parts.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use client::{Sink, Source};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::thrown;

#[wasm_bindgen]
extern "C" {
    /// A `Blob` of the browser: a file, or something in memory.
    #[wasm_bindgen(js_name = Blob)]
    pub type Parts;

    #[wasm_bindgen(constructor, js_class = "Blob")]
    fn new(parts: &Array, options: &JsValue) -> Parts;

    #[wasm_bindgen(method, getter, js_class = "Blob")]
    pub(crate) fn size(this: &Parts) -> f64;

    #[wasm_bindgen(method, js_class = "Blob")]
    fn slice(this: &Parts, from: f64, to: f64) -> Parts;

    #[wasm_bindgen(method, js_name = arrayBuffer, js_class = "Blob")]
    fn array_buffer(this: &Parts) -> Promise;
}

/// A file of this content.
pub(crate) fn whole(parts: &Array, content_type: &str) -> Parts {
    let options = js_sys::Object::new();
    // It cannot fail: the object is a plain one.
    let _ = js_sys::Reflect::set(&options, &"type".into(), &content_type.into());
    Parts::new(parts, &options)
}

/// A file that is sent.
pub(crate) struct FileSource(pub(crate) Parts);

#[async_trait(?Send)]
impl Source for FileSource {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes are whole and not negative"
    )]
    async fn size(&mut self) -> io::Result<u64> {
        Ok(self.0.size() as u64)
    }

    #[expect(clippy::cast_precision_loss, reason = "no file is so long")]
    async fn read_at(&mut self, offset: u64, len: usize) -> io::Result<Bytes> {
        let slice = self.0.slice(offset as f64, offset as f64 + len as f64);
        let bytes = JsFuture::from(slice.array_buffer()).await;
        let bytes = bytes.map_err(|error| io::Error::other(thrown(&error)))?;
        Ok(Uint8Array::new(&bytes).to_vec().into())
    }
}

/// A file that comes. Its bytes belong to the browser, so that the core's memory does not grow with them.
pub(crate) struct FileParts(pub(crate) Array);

#[async_trait(?Send)]
impl Sink for FileParts {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.push(&Uint8Array::from(bytes));
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }

    async fn abort(&mut self) -> io::Result<()> {
        self.0.set_length(0);
        Ok(())
    }
}
