//! Breaks lines, because SVG does not.

/// Breaks a text into lines of at most `letters` characters. A word is broken only if it is longer than a
/// line, and after a punctuation mark if it has one.
pub fn wrap(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        if let Some(line) = lines.last_mut()
            && line.chars().count() + 1 + word.len() <= letters
        {
            line.push(' ');
            line.extend(word);
            continue;
        }
        let mut rest = &word[..];
        while rest.len() > letters {
            let mark = rest[..letters]
                .iter()
                .rposition(|letter| ":/,=".contains(*letter));
            let (piece, others) = rest.split_at(mark.map_or(letters, |mark| mark + 1));
            lines.push(piece.iter().collect());
            rest = others;
        }
        lines.push(rest.iter().collect());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_broken_between_words() {
        for (text, lines) in [
            ("", &[][..]),
            ("  a\nb\t c ", &["a b c"]),
            ("one two three", &["one two", "three"]),
            ("somewhatlong", &["somewhat", "long"]),
            ("a somewhatlong b", &["a", "somewhat", "long b"]),
            ("some::what::long", &["some::", "what::", "long"]),
            ("=a/somewhat", &["=a/", "somewhat"]),
            ("µµµµ µµµ", &["µµµµ µµµ"]),
        ] {
            assert_eq!(wrap(text, 8), lines, "{text}");
        }
    }

    proptest! {
        #[test]
        fn wrapping_keeps_all_text_within_the_width(text in "[a-z:µ ]{0,60}", letters in 1_usize..20) {
            let lines = wrap(&text, letters);
            prop_assert!(lines.iter().all(|line| (1..=letters).contains(&line.chars().count())));
            let without_spaces = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without_spaces(&lines.concat()), without_spaces(&text));
        }
    }
}
