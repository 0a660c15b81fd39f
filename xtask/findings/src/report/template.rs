//! The templates and the engine that fills them in: undefined names are errors, HTML is escaped by the engine, and
//! Markdown by the filters `md`, `code` and `block`, through which its templates pass every text.

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use hmac_sha256::Hash as Sha256;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::charts::{self, Charts};
use super::escape;
use super::model::Page;
use super::palette::Ink;

/// The page's only script; its hash is in the page's policy, so that no other one would run.
const SCRIPT: &str = include_str!("../../templates/report.js");

/// Fills in the template of this name.
pub fn render(name: &str, page: &Page, charts: &Charts) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(
        |name| {
            if name == "report.html" { AutoEscape::Html } else { AutoEscape::None }
        },
    );
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax?);
    environment.add_filter("md", |text: &str| escape::markdown(text));
    environment.add_filter("code", |text: &str| escape::markdown_code(text));
    environment.add_filter("block", |text: &str| escape::markdown_block(text));
    environment.add_template("report.md", include_str!("../../templates/report.md.j2"))?;
    environment.add_template("answer.md", include_str!("../../templates/answer.md.j2"))?;
    environment.add_template("report.html", include_str!("../../templates/report.html.j2"))?;
    let template = environment.get_template(name)?;
    let context = context! {
        page => Serde(page),
        charts => Serde(charts),
        style => style(),
        script => SCRIPT,
        script_hash => BASE64.encode(&Sha256::hash(SCRIPT.as_bytes())),
    };
    template.render(context).with_context(|| format!("rendering {name}"))
}

/// Kinds of tables by their class, and the width up to which their rows become cards.
const CARDS: [(&str, &str); 3] = [("card", "44rem"), ("wide", "56rem"), ("widest", "66rem")];

/// The page's own styles and those of the charts within it.
fn style() -> String {
    let light: String = Ink::ALL
        .map(|ink| {
            let (class, (light, dark)) = (ink.class(), ink.colours());
            format!(".f-{class}{{fill:{light}}}.s-{class}{{stroke:{light};--ink:light-dark({light},{dark})}}")
        })
        .concat();
    let roles =
        [("paper", Ink::Paper), ("raised", Ink::Band), ("text", Ink::Text), ("soft", Ink::Soft), ("line", Ink::Grid)];
    let variables = roles.map(|(name, ink)| {
        let (light, dark) = ink.colours();
        format!("--{name}:light-dark({light},{dark});")
    });
    let card = include_str!("../../templates/cards.css");
    let cards = CARDS.map(|(kind, width)| card.replace("KIND", kind).replace("WIDTH", width)).concat();
    let page = include_str!("../../templates/report.css").replace("/* CARDS */\n", &cards);
    format!(":root{{{}}}\n{page}\n{light}\n{}", variables.concat(), charts::styles())
}
