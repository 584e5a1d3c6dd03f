//! The outcome, and how it is printed.

use std::fmt;

/// Most examples kept of one kind.
const SAMPLES: usize = 5;

/// One kind of failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How often.
    pub count: u64,
    /// The first few.
    pub samples: Vec<String>,
}

impl Finding {
    pub(super) fn add(&mut self, sample: impl FnOnce() -> String) {
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(sample());
        }
    }
}

/// What the judge says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// Lines of the ledger.
    pub written: u64,
    /// Documents seen.
    pub documents: u64,
    /// Lines without a document.
    pub lost: Finding,
    /// Lines with more than one document.
    pub doubled: Finding,
    /// Documents whose content is not that of their line.
    pub altered: Finding,
    /// Documents that belong to no line.
    pub invented: Finding,
}

impl Verdict {
    /// Every line once, unaltered, and nothing else.
    pub fn clean(&self) -> bool {
        [&self.lost, &self.doubled, &self.altered, &self.invented].iter().all(|finding| finding.count == 0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lines written, {} documents stored: {} lost, {} doubled, {} altered, {} invented",
            self.written,
            self.documents,
            self.lost.count,
            self.doubled.count,
            self.altered.count,
            self.invented.count
        )?;
        let kinds = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("altered", &self.altered),
            ("invented", &self.invented),
        ];
        for (kind, finding) in kinds {
            for sample in &finding.samples {
                write!(f, "\n  {kind}: {sample}")?;
            }
        }
        Ok(())
    }
}
