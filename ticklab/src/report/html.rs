//! A page (in the making).

use anyhow::Result;

use super::Report;

/// The page.
pub fn page(_report: &Report) -> Result<String> {
    Ok(String::new())
}
