//! The colours of the report's page. They can be distinguished in light and dark schemes, also by
//! colour-blind readers.

const STYLE: &str = include_str!("../../assets/report.css");
/// Number of colours for lines.
const SERIES: usize = 8;

/// A colour in the light and in the dark scheme.
pub struct Colour {
    pub name: String,
    pub light: &'static str,
    pub dark: &'static str,
}

/// Returns the name of a line's colour.
pub fn of_line(floor: bool, place: usize) -> String {
    if floor {
        return "floor".to_owned();
    }
    format!("series-{}", place % SERIES)
}

/// Returns the page's own colours and those of these lines.
pub fn used<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Colour> {
    let mut names = vec!["page", "text", "muted", "line", "grid"];
    for name in lines {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(named).collect()
}

/// Looks a colour up. The style sheet has each colour twice; the second is the one for the dark scheme.
fn named(name: &str) -> Colour {
    let property = format!("  --{name}: ");
    let mut values = STYLE.split(&property).skip(1);
    let mut value = || values.next().and_then(|rest| rest.split(';').next());
    let missing = "the page has each colour twice";
    Colour {
        name: name.to_owned(),
        light: value().expect(missing),
        dark: value().expect(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Colour> {
        let lines: Vec<_> = (0..SERIES).map(|place| of_line(false, place)).collect();
        used(lines.iter().map(String::as_str).chain(["floor"]))
    }

    /// As WCAG 2 defines it.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn colours_have_contrast_in_light_and_dark() {
        let all = all();
        assert_eq!(all.len(), 5 + SERIES + 1);
        let page = &all[0];
        for colour in &all {
            let least = match colour.name.as_str() {
                "text" | "muted" => 4.5,
                name if name == "floor" || name.starts_with("series") => 3.0,
                _ => 1.0,
            };
            for (value, page) in [(colour.light, page.light), (colour.dark, page.dark)] {
                assert!(value.len() == 7 && value.starts_with('#'), "{value}");
                assert!(
                    contrast(value, page) >= least,
                    "{}: {value} on {page}",
                    colour.name
                );
            }
        }
        assert!(luminance(page.light) > 0.9 && luminance(page.dark) < 0.05);
    }
}
