//! Errors of a macro: all of them are shown, not only the first.

use proc_macro2::{Span, TokenStream};

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Adds an error that underlines `span`, which should be one word.
    pub(crate) fn push(&mut self, span: Span, text: impl core::fmt::Display) {
        self.found.push(syn::Error::new(span, text));
    }

    /// Adds an error of the parser.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The errors as the compiler wants them.
    pub(crate) fn tokens(self) -> TokenStream {
        let mut all = self.found.into_iter();
        let Some(mut first) = all.next() else { return TokenStream::new() };
        first.extend(all);
        first.to_compile_error()
    }

    /// The texts, for tests.
    #[cfg(test)]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.found.iter().map(ToString::to_string).collect()
    }
}
