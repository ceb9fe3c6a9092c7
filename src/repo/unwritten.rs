//! Why objects or refs could not be written, in the words of the disk where it is the disk.

use crate::model::Error;
use std::{fmt::Display, io::ErrorKind};

/// The error of what could not be written while `doing`.
pub(crate) fn unwritten(doing: impl Display, error: &gix::Error) -> Error {
    let (said, cause) = (error.to_string(), error.probable_cause().to_string());
    let error_of = |why: String| Error::git(&doing, why);
    let told = if said.contains(&cause) { error_of(said) } else { error_of(format!("{said}: {cause}")) };
    match disk(error) {
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => told.hint("make room on that disk, then run this again"),
        Some(_) => told.hint("see that you may write to the folder of the repository, then run this again"),
        None => told,
    }
}

/// What is wrong with the disk, if anything is: it will not be otherwise in a moment.
pub(super) fn disk(error: &gix::Error) -> Option<ErrorKind> {
    let kinds = error.iter_errors().filter_map(|e| e.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let mut disk = kinds.filter(|kind| {
        use ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        matches!(kind, StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied)
    });
    disk.next()
}
