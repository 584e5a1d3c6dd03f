//! What happened to files, told in the log and in the balance.

use crate::ack::{Accounts, Loss};
use crate::file::table::Notice;
use tracing::{error, info, warn};

pub(super) fn report(notice: Notice, accounts: &Accounts) {
    match notice {
        Notice::Lost { path, bytes, reason } => {
            accounts.lose(reason, 0, bytes);
            error!(file = %path.display(), bytes, reason = reason.name(), "{}", loss_text(reason));
        }
        Notice::Appeared(path) => info!(file = %path.display(), "new file"),
        Notice::Rewritten(path) => {
            info!(file = %path.display(), "file was truncated or rewritten, reading it from its beginning");
        }
        Notice::Adopted { path, offset } => {
            info!(file = %path.display(), offset, "file is a copy of one shipped before, going on where that one ended");
        }
        Notice::Unreadable { path, error } => {
            warn!(file = %path.display(), error, "cannot read file, trying again with every scan");
        }
        Notice::Damaged { path, error } => {
            warn!(file = %path.display(), error, "packed file is damaged, shipping its valid part");
        }
        Notice::Utf16(path) => warn!(
            file = %path.display(),
            "file is in UTF-16 but is read as UTF-8, so its lines are garbled; let its writer use UTF-8"
        ),
        Notice::Finished(path) => info!(file = %path.display(), "rotated or deleted file is drained"),
    }
}

fn loss_text(reason: Loss) -> &'static str {
    match reason {
        Loss::TruncatedUnread => {
            "file was truncated before all of it was read; rotate by rename instead of copytruncate"
        }
        Loss::DeletedUnread | Loss::DeletedBeforeOpen => {
            "file was deleted before all of it was read; keep rotated files longer"
        }
        Loss::HeldFilesLimit => {
            "rotated files held more unsent bytes than allowed; raise limits.held_files or repair the output"
        }
        Loss::DamagedCompression => "packed file is damaged, its rest cannot be read",
    }
}
