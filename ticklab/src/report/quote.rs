//! A command line that a POSIX shell reads as what was given.

/// Quoted where it has to be.
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
    // Within single quotes nothing is special but the quote that ends them.
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_where_it_has_to_be() {
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
