//! Which Mizzle is measured where none is named: the one that `BENCH_MIZZLE` names, else a working tree next to this
//! checkout, else the published one.

use crate::plan::library::Library;
use crate::plan::request::DefaultMizzle;
use crate::system::checkout::Checkout;

/// The variable that names Mizzle as `--mizzle` does.
const VARIABLE: &str = "BENCH_MIZZLE";

/// Looks for it.
pub fn default_mizzle(checkout: &Checkout) -> DefaultMizzle {
    if let Some(named) = std::env::var(VARIABLE).ok().filter(|named| !named.is_empty()) {
        return DefaultMizzle::Variable(named);
    }
    sibling(checkout).map_or(DefaultMizzle::Registry, DefaultMizzle::Sibling)
}

/// `../mizzle`, where it holds a package of that name: as a path from here where that is short.
fn sibling(checkout: &Checkout) -> Option<String> {
    let folder = checkout.root.parent()?.join("mizzle");
    if !folder.join("package.json").is_file() || !super::holds(Library::find("mizzle").ok()?, &folder) {
        return None;
    }
    let is_here = std::env::current_dir().is_ok_and(|here| here == checkout.root);
    Some(if is_here { "../mizzle".to_owned() } else { folder.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::source::testing::write;

    #[test]
    fn a_working_tree_next_to_the_checkout_is_taken_where_it_holds_mizzle() {
        let home = tempfile::tempdir().unwrap();
        let checkout = Checkout { root: home.path().join("benchmark"), target: home.path().join("target") };
        assert_eq!(sibling(&checkout), None, "nothing is there");
        write(home.path(), "mizzle/package.json", r#"{"name":"a-game","workspaces":["packages/*"]}"#);
        assert_eq!(sibling(&checkout), None, "it is something else of that name");
        write(home.path(), "mizzle/packages/mizzle/package.json", r#"{"name":"@aurios/mizzle"}"#);
        assert_eq!(sibling(&checkout), Some(home.path().join("mizzle").display().to_string()));
    }
}
