//! Quotes a command line for a POSIX shell.

/// Quotes the words that need it.
pub fn command(words: &[String]) -> String {
    words
        .iter()
        .map(|one| word(one))
        .collect::<Vec<_>>()
        .join(" ")
}

fn word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // Within single quotes only the closing quote is special.
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_special_words_are_quoted() {
        for (word, quoted) in [
            ("--period=1ms", "--period=1ms"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("</script>", "'</script>'"),
            ("µ", "'µ'"),
        ] {
            assert_eq!(super::word(word), quoted);
        }
        let words = ["ticklab", "run", "--html", "a b.html"].map(str::to_owned);
        assert_eq!(super::command(&words), "ticklab run --html 'a b.html'");
    }
}
