//! Short links.

use std::{io::Cursor, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{Color, QrCode as Picture, render::svg};
use serde_json::{Value, json};

use super::{
    Call, Failure,
    api::{Api, Outcome},
    lists::page,
    selection::Selected,
};
use crate::{HostError, apps::Owned, numbers::Number, qr_codes::QrCode};

/// Where a short link leads: the host's own address for it, which opens the messenger.
pub(crate) fn link(base: &str, code: &str) -> String {
    format!("{base}/message/{code}")
}

/// In which form a picture is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Png,
}

fn picture(address: &str, form: Form) -> Result<String, Failure> {
    let cannot = |_| Failure::parameter("generate_qr_image", "cannot be drawn");
    let picture = Picture::new(address).map_err(cannot)?;
    if form == Form::Svg {
        let drawn = picture.render::<svg::Color<'_>>().min_dimensions(256, 256).build();
        let escaped = percent_encoding::utf8_percent_encode(&drawn, percent_encoding::NON_ALPHANUMERIC);
        return Ok(format!("data:image/svg+xml,{escaped}"));
    }
    let pixels = pixels(&picture);
    let mut bytes = Cursor::new(Vec::new());
    let written = pixels.write_to(&mut bytes, image::ImageFormat::Png);
    written.map_err(|_| Failure::parameter("generate_qr_image", "cannot be drawn"))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes.into_inner())))
}

/// Eight pixels for a module, and four modules of white around.
fn pixels(picture: &Picture) -> image::GrayImage {
    const SCALE: usize = 8;
    const EDGE: usize = 4;
    let (width, colors) = (picture.width(), picture.to_colors());
    let side = (width + 2 * EDGE) * SCALE;
    let side = u32::try_from(side).unwrap_or_default();
    image::GrayImage::from_fn(side, side, |x, y| {
        let module = |at: u32| usize::try_from(at).unwrap_or_default() / SCALE;
        let (column, row) = (module(x).checked_sub(EDGE), module(y).checked_sub(EDGE));
        let place =
            column.filter(|column| *column < width).zip(row).map(|(column, row)| row * width + column);
        let dark = place.and_then(|place| colors.get(place)).is_some_and(|color| *color == Color::Dark);
        image::Luma([if dark { 0 } else { 255 }])
    })
}

/// A link as it is answered; with a picture if one is wanted.
fn row(call: &Call, code: &QrCode, form: Option<Form>) -> Result<Value, Failure> {
    let address = link(&call.base, &code.code);
    let mut row = json!({
        "code": code.code,
        "prefilled_message": code.message,
        "deep_link_url": address,
    });
    if let (Some(form), Some(row)) = (form, row.as_object_mut()) {
        row.insert("qr_image_url".to_owned(), picture(&address, form)?.into());
    }
    Ok(row)
}

/// `fields=qr_image_url.format(SVG)`.
fn wanted(selected: &[Selected]) -> Option<Form> {
    let field = selected.iter().find(|field| field.name == "qr_image_url")?;
    let is_png = field.argument("format").is_some_and(|form| form.eq_ignore_ascii_case("png"));
    Some(if is_png { Form::Png } else { Form::Svg })
}

pub(super) async fn list(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let selected = call.selection()?;
    let picture = wanted(&selected);
    let codes = api.qr_codes.list(&number.object).await?;
    let mut rows = Vec::new();
    for code in &codes {
        rows.push((code.code.clone(), row(&call, code, None)?));
    }
    let mut page = page(&call, rows)?;
    // Only of what is shown: to draw one takes its time.
    let shown = page.get_mut("data").and_then(Value::as_array_mut);
    for shown in shown.into_iter().flatten().filter(|_| picture.is_some()) {
        if let Some(code) = codes.iter().find(|code| shown["code"] == code.code.as_str()) {
            *shown = row(&call, code, picture)?;
        }
    }
    Ok(page.into())
}

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let code = match api.qr_codes.get(&number.object, call.tail(1).unwrap_or_default()).await {
        // A list of those that have this code (spec section 7).
        Err(HostError::NotFound(_)) => return Ok(json!({ "data": [] }).into()),
        found => found?,
    };
    let picture = wanted(&call.selection()?);
    Ok(json!({ "data": [row(&call, &code, picture)?] }).into())
}

/// `generate_qr_image`.
fn format(call: &Call) -> Result<Option<Form>, Failure> {
    let word = call.fields().word("generate_qr_image", &["SVG", "PNG"])?;
    Ok(word.map(|word| if word == "PNG" { Form::Png } else { Form::Svg }))
}

pub(super) async fn create(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let picture = format(&call)?;
    let code = match fields.text("code", 64)? {
        Some(code) => {
            let message = fields.need_text("prefilled_message", 140)?;
            api.qr_codes.change(&number.object, &code, &message).await?
        }
        None => api.qr_codes.create(&number.object, &fields.need_text("prefilled_message", 140)?).await?,
    };
    Ok(row(&call, &code, picture)?.into())
}

pub(super) async fn change(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let message = call.fields().need_text("prefilled_message", 140)?;
    let picture = format(&call)?;
    let code = api.qr_codes.change(&number.object, call.tail(1).unwrap_or_default(), &message).await?;
    Ok(row(&call, &code, picture)?.into())
}

pub(super) async fn delete(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    api.qr_codes.delete(&number.object, call.tail(1).unwrap_or_default()).await?;
    Ok(json!({ "success": true }).into())
}
