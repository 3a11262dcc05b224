//! `#[derive(Settings)]`: the fields of a program's settings, with their doc comments as help.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, ExprLit, Fields, Lit, Meta};

/// The `impl Settings` of a struct with named fields.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, condition) = input.generics.split_for_impl();
    let Data::Struct(data) = &input.data else {
        return syn::Error::new(ident.span(), "settings are a struct: each field is a flag").into_compile_error();
    };
    let fields: Vec<TokenStream> = match &data.fields {
        Fields::Named(fields) => fields
            .named
            .iter()
            .filter_map(|field| {
                let name = field.ident.as_ref()?.to_string();
                let name = name.trim_start_matches("r#");
                if is_flattened(&field.attrs) {
                    let ty = &field.ty;
                    return Some(quote!(fields.extend(<#ty as ::statepoint::Settings>::fields());));
                }
                let help = doc(&field.attrs);
                Some(quote!(fields.push(::statepoint::SettingsField { name: #name, help: #help });))
            })
            .collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(_) => {
            return syn::Error::new(ident.span(), "settings need named fields: the names are the flags")
                .into_compile_error();
        }
    };
    let help = paragraph(&input.attrs);
    quote! {
        impl #generics ::statepoint::Settings for #ident #arguments #condition {
            const HELP: &'static str = #help;
            fn fields() -> ::std::vec::Vec<::statepoint::SettingsField> {
                #[allow(unused_mut)]
                let mut fields = ::std::vec::Vec::new();
                #(#fields)*
                fields
            }
        }
    }
}

/// Whether serde writes the field's own fields in its place.
fn is_flattened(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).any(|attribute| {
        let mut found = false;
        // What else stands there is serde's to judge.
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("flatten");
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<Expr>()?;
            }
            Ok(())
        });
        found
    })
}

/// The first paragraph of the doc comment of an item, lines joined by spaces.
fn paragraph(attributes: &[syn::Attribute]) -> String {
    lines(attributes).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The doc comment of an item, lines joined by spaces.
fn doc(attributes: &[syn::Attribute]) -> String {
    lines(attributes).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn lines(attributes: &[syn::Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(text: &str) -> String {
        derive(&syn::parse_str(text).expect("an item")).to_string()
    }

    #[test]
    fn doc_comments_become_help() {
        let derived = derived("/// A server.\nstruct Settings { /// Where to\n/// listen.\n host: String, port: u16 }");
        assert!(derived.contains("\"A server.\""), "{derived}");
        assert!(derived.contains("name : \"host\" , help : \"Where to listen.\""), "{derived}");
        assert!(derived.contains("name : \"port\" , help : \"\""), "{derived}");
    }

    #[test]
    fn the_fields_of_a_flattened_field_stand_in_its_place() {
        let derived = derived("struct Settings { name: String, #[serde(default, flatten)] at: ListenSettings }");
        assert!(derived.contains("< ListenSettings as :: statepoint :: Settings > :: fields ()"), "{derived}");
        assert!(derived.contains("name : \"name\""), "{derived}");
        assert!(!derived.contains("name : \"at\""), "{derived}");
    }

    #[test]
    fn only_a_struct_with_named_fields_can_be_settings() {
        assert!(derived("enum Settings { A }").contains("settings are a struct"));
        assert!(derived("struct Settings(u8);").contains("settings need named fields"));
    }
}
