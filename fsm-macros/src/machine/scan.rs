//! Edges: where a method may go, found in the raw tokens of its body.
//!
//! The scan sees more than can happen (a state that is only mentioned counts) and never less, except for what is computed
//! in other places: that is what `#[goes(..)]` is for.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

use super::model::Edges;

/// The names that mean something in a body.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// The machine's type.
    pub(super) machine: &'a str,
    /// The states, in order.
    pub(super) states: Vec<String>,
    /// The methods and constants of the same `impl`.
    pub(super) members: BTreeSet<String>,
}

/// What a body mentions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// Its own edges.
    pub(super) edges: Edges,
    /// Members of the same `impl` whose edges are its edges too.
    pub(super) members: BTreeSet<String>,
    /// Something that looks like a state and is none, or code that is still to be written: edges may be missing.
    pub(super) doubtful: bool,
}

impl Mentions {
    /// Adds those of another body.
    pub(super) fn merge(&mut self, other: Self) {
        self.edges.absorb(&other.edges);
        self.members.extend(other.members);
        self.doubtful |= other.doubtful;
    }
}

/// Everything that `body` mentions.
pub(super) fn scan(body: TokenStream, names: &Names<'_>) -> Mentions {
    let mut mentions = Mentions::default();
    walk(body, names, &mut mentions);
    mentions
}

/// Adds to every member the edges of the members it mentions, until nothing is new.
pub(super) fn follow(members: &mut BTreeMap<String, Mentions>) {
    loop {
        let edges: BTreeMap<String, (Edges, bool)> =
            members.iter().map(|(name, found)| (name.clone(), (found.edges.clone(), found.doubtful))).collect();
        let mut new = false;
        for found in members.values_mut() {
            for name in &found.members {
                if let Some((other, doubtful)) = edges.get(name) {
                    new |= found.edges.absorb(other) | (*doubtful && !found.doubtful);
                    found.doubtful |= doubtful;
                }
            }
        }
        if !new {
            return;
        }
    }
}

fn walk(tokens: TokenStream, names: &Names<'_>, mentions: &mut Mentions) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        match first {
            TokenTree::Group(group) => walk(group.stream(), names, mentions),
            TokenTree::Ident(owner) => {
                let owner = owner.to_string();
                if let Some(item) = path_item(tail) {
                    path(&owner, &item, names, mentions);
                } else if is_punct(tail.first(), '!') && (owner == "todo" || owner == "unimplemented") {
                    mentions.doubtful = true;
                }
            }
            TokenTree::Punct(dot) if dot.as_char() == '.' => mentions.members.extend(called(tail, names)),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        rest = tail;
    }
}

/// The member that `.member(..)` or `.member::<..>(..)` calls; a field of the same name is not meant.
fn called(after: &[TokenTree], names: &Names<'_>) -> Option<String> {
    let [TokenTree::Ident(method), tail @ ..] = after else { return None };
    let call = matches!(tail.first(), Some(TokenTree::Group(_))) || colons(tail).is_some();
    let method = method.to_string();
    (call && names.members.contains(&method)).then_some(method)
}

/// The word after `Owner::`, `Owner::<..>::` or `<Owner>::`.
fn path_item(after: &[TokenTree]) -> Option<String> {
    let after = if is_punct(after.first(), '>') { after.get(1..)? } else { after };
    let after = colons(after)?;
    match after.first()? {
        TokenTree::Ident(item) => Some(item.to_string()),
        TokenTree::Punct(open) if open.as_char() == '<' => match colons(after_angles(after)?)?.first()? {
            TokenTree::Ident(item) => Some(item.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [TokenTree::Punct(one), TokenTree::Punct(two), tail @ ..] if one.as_char() == ':' && two.as_char() == ':' => {
            Some(tail)
        }
        _ => None,
    }
}

/// What follows a balanced `<..>`.
fn after_angles(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let mut depth = 0_usize;
    let mut arrow = false;
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Punct(punct) = token else {
            arrow = false;
            continue;
        };
        match punct.as_char() {
            '<' => depth += 1,
            '>' if !arrow => depth = depth.checked_sub(1)?,
            _ => {}
        }
        arrow = punct.as_char() == '-';
        if depth == 0 {
            return tokens.get(index + 1..);
        }
    }
    None
}

fn path(owner: &str, item: &str, names: &Names<'_>, mentions: &mut Mentions) {
    if item == "complete" {
        mentions.edges.ends = true;
    }
    if owner == "Next" {
        match item {
            "STAY" | "Stay" => mentions.edges.stays = true,
            "End" => mentions.edges.ends = true,
            _ => {}
        }
        return;
    }
    let of_states = owner.strip_suffix("State") == Some(names.machine);
    if owner != "Self" && owner != names.machine && !of_states {
        return;
    }
    if let Some(state) = names.states.iter().position(|state| state == item) {
        mentions.edges.goes.insert(state);
    } else if names.members.contains(item) {
        mentions.members.insert(item.to_owned());
    } else if shouting(item) {
        mentions.doubtful = true;
    }
}

/// Whether a name is written as those of states are: `PENDING`, `HALF_OPEN`, `T1`.
pub(super) fn shouting(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.chars().all(|c| c.is_uppercase() || c.is_numeric() || c == '_')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn names() -> Names<'static> {
        Names {
            machine: "Server",
            states: ["INITIAL", "PENDING", "LISTENING"].map(String::from).into(),
            members: ["helper", "other", "AFTER"].map(String::from).into(),
        }
    }

    fn goes(tokens: TokenStream) -> Vec<usize> {
        scan(tokens, &names()).edges.goes.into_iter().collect()
    }

    #[test]
    fn states_are_found_wherever_they_are_named() {
        assert_eq!(goes(quote!({ Self::PENDING })), [1]);
        assert_eq!(
            goes(quote!({
                if x {
                    return Self::PENDING;
                }
                Server::LISTENING
            })),
            [1, 2]
        );
        assert_eq!(goes(quote!({ choose!(yes => Self::PENDING, no => [Self::INITIAL]) })), [0, 1]);
        assert_eq!(goes(quote!({ x.map(|_| Self::LISTENING(Dial { a: 1 })) })), [2]);
        assert_eq!(goes(quote!({ Server::<T, fn(u8) -> u8>::PENDING })), [1]);
        assert_eq!(goes(quote!({ <Self>::PENDING })), [1]);
        assert_eq!(goes(quote!({ Next::Go(ServerState::PENDING) })), [1]);
    }

    #[test]
    fn names_of_others_are_no_edges() {
        assert_eq!(
            goes(quote!({
                Client::PENDING;
                PENDING;
                self.PENDING;
                "Self::PENDING"
            })),
            [0; 0]
        );
        assert!(
            !scan(
                quote!({
                    Other::SHOUT;
                    self.helped()
                }),
                &names()
            )
            .doubtful
        );
    }

    #[test]
    fn staying_and_ending_are_seen() {
        let edges = |tokens| {
            let edges = scan(tokens, &names()).edges;
            (edges.stays, edges.ends)
        };
        assert_eq!(edges(quote!(Next::STAY)), (true, false));
        assert_eq!(edges(quote!(Next::<Self>::Stay)), (true, false));
        assert_eq!(edges(quote!(Self::complete(Aborted))), (false, true));
        assert_eq!(edges(quote!(x.map_or_else(Next::complete, |_| Next::STAY))), (true, true));
        assert_eq!(edges(quote!(Next::End(Box::new(value)))), (false, true));
        assert_eq!(edges(quote!(<Self as Machine>::complete(x))), (false, true));
        assert_eq!(edges(quote!(self.complete)), (false, false));
    }

    #[test]
    fn helpers_are_followed_to_the_end() {
        let mut members: BTreeMap<String, Mentions> = [
            ("A_Start", quote!(self.helper(1))),
            ("A_Stop", quote!(Self::make(self).helper::<u8>(1))),
            ("helper", quote!({ Self::other(self) })),
            ("other", quote!({ if x { self.helper(2) } else { Self::AFTER } })),
            ("AFTER", quote!(Self::LISTENING)),
        ]
        .map(|(name, body)| (name.to_owned(), scan(body, &names())))
        .into();
        follow(&mut members);
        for (name, found) in &members {
            assert_eq!(found.edges.goes, BTreeSet::from([2]), "{name}");
        }
    }

    #[test]
    fn a_field_is_no_helper() {
        assert_eq!(scan(quote!(self.helper + self.other.len()), &names()), Mentions::default());
    }

    #[test]
    fn unknown_states_and_unfinished_code_leave_doubts() {
        for doubtful in
            [quote!(Self::LISTNING), quote!({ Server::CLOSED }), quote!(todo!()), quote!({ unimplemented!("later") })]
        {
            assert!(scan(doubtful.clone(), &names()).doubtful, "{doubtful}");
        }
        assert!(!scan(quote!(Self::helper2(); Self::Item), &names()).doubtful);
    }

    #[test]
    fn doubts_of_a_helper_are_doubts_of_those_who_call_it() {
        let mut members: BTreeMap<String, Mentions> = [("A_Start", quote!(self.helper())), ("helper", quote!(todo!()))]
            .map(|(name, body)| (name.to_owned(), scan(body, &names())))
            .into();
        follow(&mut members);
        assert!(members.values().all(|found| found.doubtful));
    }

    #[test]
    fn shouting_is_capitals_digits_and_underscores() {
        assert!(["PENDING", "T1", "HALF_OPEN", "A"].into_iter().all(shouting));
        assert!(!["Pending", "1T", "_A", "", "aA"].into_iter().any(shouting));
    }
}
