//! One colour and one marker shape for each library, the same in every chart and table. The colours are Okabe and
//! Ito's, which people with any colour vision can distinguish; the shapes stand without them.

use serde::Serialize;

/// How a library is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Look {
    pub ink: Ink,
    pub shape: Shape,
}

/// A colour by its role, with a value for light and one for dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ink {
    Paper,
    Text,
    Soft,
    Grid,
    Band,
    Black,
    Vermillion,
    Blue,
    Green,
    Orange,
    Purple,
    Gray,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Circle,
    Diamond,
    Square,
    Triangle,
    Down,
    Cross,
    Ring,
}

impl Ink {
    pub const ALL: [Ink; 12] = [
        Ink::Paper,
        Ink::Text,
        Ink::Soft,
        Ink::Grid,
        Ink::Band,
        Ink::Black,
        Ink::Vermillion,
        Ink::Blue,
        Ink::Green,
        Ink::Orange,
        Ink::Purple,
        Ink::Gray,
    ];

    /// On a light page, and on a dark one.
    pub fn colours(self) -> (&'static str, &'static str) {
        match self {
            Ink::Paper => ("#ffffff", "#0f141b"),
            Ink::Text => ("#1b2027", "#e8edf3"),
            Ink::Soft => ("#57606c", "#a3aebb"),
            Ink::Grid => ("#d8dde3", "#313a45"),
            Ink::Band => ("#edf1f5", "#1c242e"),
            Ink::Black => ("#000000", "#f4f6f8"),
            Ink::Vermillion => ("#d55e00", "#f27b28"),
            Ink::Blue => ("#0072b2", "#56b4e9"),
            Ink::Green => ("#009e73", "#1fc795"),
            Ink::Orange => ("#b87a00", "#e69f00"),
            Ink::Purple => ("#b8578f", "#cc79a7"),
            Ink::Gray => ("#757f8b", "#8b96a3"),
        }
    }

    /// The class that carries it in CSS.
    pub fn class(self) -> &'static str {
        match self {
            Ink::Paper => "paper",
            Ink::Text => "text",
            Ink::Soft => "soft",
            Ink::Grid => "grid",
            Ink::Band => "band",
            Ink::Black => "black",
            Ink::Vermillion => "vermillion",
            Ink::Blue => "blue",
            Ink::Green => "green",
            Ink::Orange => "orange",
            Ink::Purple => "purple",
            Ink::Gray => "gray",
        }
    }
}

/// A look for each target, named by its adapter: its library's own, and a spare one for a second target of the same library.
pub fn looks<'a>(adapters: impl Iterator<Item = &'a str>) -> Vec<Look> {
    let spares = [
        Look { ink: Ink::Orange, shape: Shape::Down },
        Look { ink: Ink::Purple, shape: Shape::Cross },
        Look { ink: Ink::Gray, shape: Shape::Ring },
    ];
    let mut spare = spares.iter().cycle().copied();
    let mut given: Vec<Look> = Vec::new();
    for adapter in adapters {
        let own = own(adapter).filter(|own| !given.contains(own));
        given.push(own.or_else(|| spare.next()).unwrap_or(spares[0]));
    }
    given
}

fn own(adapter: &str) -> Option<Look> {
    Some(match adapter {
        "aws-sdk" => Look { ink: Ink::Black, shape: Shape::Circle },
        "mizzle" => Look { ink: Ink::Vermillion, shape: Shape::Diamond },
        "dynamoose" => Look { ink: Ink::Blue, shape: Shape::Square },
        "electrodb" => Look { ink: Ink::Green, shape: Shape::Triangle },
        "toolbox" => Look { ink: Ink::Orange, shape: Shape::Square },
        "onetable" => Look { ink: Ink::Purple, shape: Shape::Triangle },
        "nova-odm" => Look { ink: Ink::Blue, shape: Shape::Cross },
        "aws-lite" => Look { ink: Ink::Gray, shape: Shape::Diamond },
        "aws-client" => Look { ink: Ink::Black, shape: Shape::Ring },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    /// WCAG 2.2, contrast ratio, on a light page and on a dark one.
    fn contrast(a: Ink, b: Ink) -> [f64; 2] {
        let of = |a: &str, b: &str| {
            let (a, b) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        let (a, b) = (a.colours(), b.colours());
        [of(a.0, b.0), of(a.1, b.1)]
    }

    #[test]
    fn text_and_marks_stand_out_on_light_and_dark_pages() {
        for ground in [Ink::Paper, Ink::Band] {
            for text in [Ink::Text, Ink::Soft] {
                let contrast = contrast(text, ground);
                assert!(contrast.iter().all(|ratio| *ratio >= 4.5), "{text:?} on {ground:?}: {contrast:?}");
            }
            for mark in &Ink::ALL[5..] {
                let contrast = contrast(*mark, ground);
                assert!(contrast.iter().all(|ratio| *ratio >= 3.0), "{mark:?} on {ground:?}: {contrast:?}");
            }
        }
    }

    #[test]
    fn two_targets_of_one_library_look_different() {
        let looks = looks(["mizzle", "mizzle", "aws-sdk", "unknown"].into_iter());
        assert!((0..4).all(|at| !looks[..at].contains(&looks[at])), "{looks:?}");
    }
}
