//! A Rust type that serde writes or reads, as TypeScript declares it.

use std::fmt::Write as _;

use syn::{
    Attribute, Expr, ExprLit, Field, Fields, GenericArgument, Item, ItemEnum, Lit, LitStr, PathArguments,
    Type, Visibility, punctuated::Punctuated, token::Comma,
};

/// What a page says: there a field with a default may be missing.
const SAID: &[&str] = &["Command", "MediaDraft", "Draft", "DraftContent"];

/// Names that mean something else in a browser.
const RENAMED: &[(&str, &str)] = &[("Blob", "FilePointer"), ("Event", "DeviceEvent"), ("Location", "Place")];

/// What serde was told.
#[derive(Default)]
struct Serde {
    tag: Option<String>,
    rename: Option<String>,
    snake: bool,
    flatten: bool,
    default: bool,
    skipped: bool,
    with: bool,
}

impl Serde {
    fn of(attributes: &[Attribute]) -> Self {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute
                .parse_nested_meta(|meta| {
                    let name = meta.path.get_ident().unwrap().to_string();
                    let value = meta.value().ok().map(|value| value.parse::<LitStr>().unwrap().value());
                    match (name.as_str(), value) {
                        ("tag", Some(tag)) => serde.tag = Some(tag),
                        ("rename", Some(name)) => serde.rename = Some(name),
                        ("rename_all", Some(style)) if style == "snake_case" => serde.snake = true,
                        ("flatten", None) => serde.flatten = true,
                        ("default", _) => serde.default = true,
                        ("skip_serializing_if", Some(_)) => serde.skipped = true,
                        ("with", Some(how)) if how == "reference" => serde.with = true,
                        (other, _) => panic!("serde's {other} is not known here"),
                    }
                    Ok(())
                })
                .unwrap();
        }
        serde
    }
}

/// Its name and what declares it, if it is a public type that serde knows.
pub(super) fn declaration(item: &Item) -> Option<(String, String)> {
    let (attributes, visibility, ident) = match item {
        Item::Struct(item) => (&item.attrs, &item.vis, &item.ident),
        Item::Enum(item) => (&item.attrs, &item.vis, &item.ident),
        _ => return None,
    };
    if !matches!(visibility, Visibility::Public(_)) || !knows_serde(attributes) {
        return None;
    }
    let rust = ident.to_string();
    let said = SAID.contains(&rust.as_str());
    let name = renamed(&rust);
    let mut text = docs(attributes, "");
    match item {
        Item::Struct(item) => {
            let Fields::Named(fields) = &item.fields else { panic!("{rust} has no named fields") };
            let (members, joined) = members(&fields.named, said, "  ");
            match joined.is_empty() {
                true => writeln!(text, "export interface {name} {{\n{members}}}").unwrap(),
                false => {
                    writeln!(text, "export type {name} = {{\n{members}}} & {};", joined.join(" & ")).unwrap()
                }
            }
        }
        Item::Enum(item) => writeln!(text, "export type {name} ={};", union(item, said)).unwrap(),
        _ => return None,
    }
    Some((name, text))
}

fn knows_serde(attributes: &[Attribute]) -> bool {
    let mut known = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        attribute
            .parse_nested_meta(|meta| {
                known |= meta.path.is_ident("Serialize") || meta.path.is_ident("Deserialize");
                Ok(())
            })
            .unwrap();
    }
    known
}

fn renamed(rust: &str) -> String {
    RENAMED.iter().find(|(from, _)| *from == rust).map_or(rust, |(_, to)| to).to_owned()
}

fn docs(attributes: &[Attribute], indent: &str) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .map(|attribute| match &attribute.meta.require_name_value().unwrap().value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value().trim().to_owned(),
            _ => panic!("a doc comment is text"),
        })
        .collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let lines: Vec<String> =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned()).collect();
            format!("{indent}/**\n{}\n{indent} */\n", lines.join("\n"))
        }
    }
}

/// Fields as members, and the types that are joined into the same object.
fn members(fields: &Punctuated<Field, Comma>, said: bool, indent: &str) -> (String, Vec<String>) {
    let (mut text, mut joined) = (String::new(), Vec::new());
    for field in fields {
        let serde = Serde::of(&field.attrs);
        let name = serde.rename.unwrap_or_else(|| field.ident.as_ref().unwrap().to_string());
        let (inner, optional) = match argument(&field.ty, "Option") {
            Some(inner) => (inner, true),
            None => (&field.ty, false),
        };
        let shown = if serde.with { "Base64".to_owned() } else { typescript(inner) };
        if serde.flatten {
            joined.push(shown);
            continue;
        }
        let may_miss = serde.skipped || said && (serde.default || optional);
        let null = if optional && (said || !serde.skipped) { " | null" } else { "" };
        let mark = if may_miss { "?" } else { "" };
        writeln!(text, "{}{indent}{name}{mark}: {shown}{null};", docs(&field.attrs, indent)).unwrap();
    }
    (text, joined)
}

fn union(item: &ItemEnum, said: bool) -> String {
    let serde = Serde::of(&item.attrs);
    let mut text = String::new();
    for variant in &item.variants {
        let own = Serde::of(&variant.attrs);
        let name = own.rename.unwrap_or_else(|| match serde.snake {
            true => snake(&variant.ident.to_string()),
            false => variant.ident.to_string(),
        });
        write!(text, "\n{}  | ", docs(&variant.attrs, "  ")).unwrap();
        match (&serde.tag, &variant.fields) {
            (None, Fields::Unit) => write!(text, "\"{name}\""),
            (Some(tag), Fields::Unit) => write!(text, "{{ {tag}: \"{name}\" }}"),
            (Some(tag), Fields::Unnamed(fields)) if fields.unnamed.len() == 1 => {
                write!(text, "({{ {tag}: \"{name}\" }} & {})", typescript(&fields.unnamed[0].ty))
            }
            (Some(tag), Fields::Named(fields)) => {
                let (members, joined) = members(&fields.named, said, "      ");
                let object = format!("{{\n      {tag}: \"{name}\";\n{members}    }}");
                match joined.is_empty() {
                    true => write!(text, "{object}"),
                    false => write!(text, "({object} & {})", joined.join(" & ")),
                }
            }
            _ => panic!("{} cannot be described", item.ident),
        }
        .unwrap();
    }
    text
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for (index, character) in name.chars().enumerate() {
        if character.is_uppercase() && index > 0 {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}

/// What is in `Option<…>` and the like.
fn argument<'a>(ty: &'a Type, of: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == of => Some(inner),
        _ => None,
    }
}

fn typescript(ty: &Type) -> String {
    if let Some(inner) = argument(ty, "Box") {
        return typescript(inner);
    }
    if let Some(inner) = argument(ty, "Vec") {
        return format!("{}[]", typescript(inner));
    }
    let Type::Path(path) = ty else { panic!("this type cannot be described") };
    let last = path.path.segments.last().unwrap();
    assert!(last.arguments.is_empty(), "{} cannot be described", last.ident);
    match last.ident.to_string().as_str() {
        "String" => "string".to_owned(),
        "bool" => "boolean".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64" => "number".to_owned(),
        name => renamed(name),
    }
}
