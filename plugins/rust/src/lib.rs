//! Write a WASM gate of `git lex-pr` in Rust.
//!
//! A gate is a type that says what it is and judges a candidate: what the target would be if an item landed.
//!
//! ```no_run
//! use lex_pr_gate::{Annotation, Gate, Manifest, Verdict, candidate};
//!
//! struct Readme;
//!
//! impl Gate for Readme {
//!     fn describe() -> Manifest {
//!         Manifest::new("There is a README.md")
//!     }
//!
//!     fn check() -> Result<Verdict, String> {
//!         if candidate::exists("README.md") {
//!             return Ok(Verdict::pass("there is one"));
//!         }
//!         Ok(Verdict::fail("there is none").annotate(Annotation::error("README.md", "write one")))
//!     }
//! }
//!
//! lex_pr_gate::export!(Readme);
//! ```

#[doc(hidden)]
#[allow(missing_docs)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "gate",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "lex_pr_gate::bindings",
        additional_derives: [PartialEq],
    });
}

pub use bindings::{
    Guest as Gate, export,
    lex_pr::gate::{
        granted, log,
        types::{Annotation, Answer, Change, Commit, Counts, Difference, Line, Manifest, Mode, Severity, Signature, Status, Verdict},
    },
};
pub use serde;
pub use serde_json::{self, json};

/// What a gate is asked about: what the target would be if an item landed.
pub mod candidate {
    #[doc(inline)]
    pub use crate::bindings::lex_pr::gate::candidate::*;

    /// The gate's config. A key of the manifest's config that is not set has its default there, where it has one.
    ///
    /// # Errors
    /// Says which key is not what `T` wants.
    pub fn config<T: serde::de::DeserializeOwned>() -> Result<T, String> {
        let text = crate::bindings::lex_pr::gate::candidate::config();
        serde_json::from_str(&text).map_err(|e| format!("config: {e}"))
    }

    /// What a file holds, as text: bytes that are no UTF-8 are replaced. None where there is no file.
    pub fn text(path: &str) -> Option<String> {
        read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Manifest {
    /// A gate that wants nothing of the machine, takes no config and reads no other gate's verdict.
    pub fn new(description: &str) -> Manifest {
        Manifest { description: description.into(), capabilities: Vec::new(), config: String::new(), needs: Vec::new() }
    }

    /// It takes a config: `schemas` is an object that has for each key a JSON Schema.
    pub fn takes(mut self, schemas: &serde_json::Value) -> Manifest {
        self.config = schemas.to_string();
        self
    }

    /// It wants something of the machine: `env:NAME`, `exec:PROGRAM` or `clock`.
    pub fn wants(mut self, capability: &str) -> Manifest {
        self.capabilities.push(capability.into());
        self
    }

    /// It reads the verdict of another gate on the same candidate.
    pub fn needs(mut self, gate: &str) -> Manifest {
        self.needs.push(gate.into());
        self
    }
}

impl Verdict {
    /// The candidate is good.
    pub fn pass(summary: impl Into<String>) -> Verdict {
        Verdict::of(Answer::Pass, summary)
    }

    /// The candidate is bad.
    pub fn fail(summary: impl Into<String>) -> Verdict {
        Verdict::of(Answer::Fail, summary)
    }

    /// The candidate is good, with something to look at.
    pub fn warn(summary: impl Into<String>) -> Verdict {
        Verdict::of(Answer::Warn, summary)
    }

    /// The gate does not apply to this candidate. Where it is required, its item does not land.
    pub fn skip(summary: impl Into<String>) -> Verdict {
        Verdict::of(Answer::Skip, summary)
    }

    /// An answer with nothing but its summary, which is one line for a person.
    pub fn of(answer: Answer, summary: impl Into<String>) -> Verdict {
        Verdict { answer, summary: summary.into(), annotations: Vec::new(), facts: String::new() }
    }

    /// Point at one more place.
    pub fn annotate(mut self, annotation: Annotation) -> Verdict {
        self.annotations.push(annotation);
        self
    }

    /// Point at more places.
    pub fn annotate_all(mut self, annotations: impl IntoIterator<Item = Annotation>) -> Verdict {
        self.annotations.extend(annotations);
        self
    }

    /// An object for reports and later gates.
    pub fn with_facts(mut self, facts: &serde_json::Value) -> Verdict {
        self.facts = facts.to_string();
        self
    }
}

impl Annotation {
    /// Something that is wrong in a file of the candidate.
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Annotation {
        Annotation::of(Severity::Error, path, message)
    }

    /// Something to look at.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Annotation {
        Annotation::of(Severity::Warning, path, message)
    }

    /// Something to know.
    pub fn notice(path: impl Into<String>, message: impl Into<String>) -> Annotation {
        Annotation::of(Severity::Notice, path, message)
    }

    /// Something about a file as a whole.
    pub fn of(severity: Severity, path: impl Into<String>, message: impl Into<String>) -> Annotation {
        Annotation { path: path.into(), line: None, severity, message: message.into(), replacement: None }
    }

    /// It is in this line, from 1.
    pub fn at(mut self, line: u32) -> Annotation {
        self.line = Some(line);
        self
    }

    /// What the line should be instead.
    pub fn replace_by(mut self, line: impl Into<String>) -> Annotation {
        self.replacement = Some(line.into());
        self
    }
}
