//! Flags that every command understands.
//!
//! Most of them are there so that scripts written for the original command line go on working; the commands that can ask a
//! question heed the others.

use crate::authoring::terminal::Terminal;

/// Flags of all commands.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct CommonArgs {
    /// Ask nothing, whoever started the command.
    #[arg(long, global = true)]
    pub no_interactive: bool,
    /// Do not ask about changes that lose nothing.
    #[arg(long, global = true, hide = true)]
    pub auto_confirm: bool,
    /// Mark deploys as ones that are being looked into.
    #[arg(long, global = true, hide = true)]
    pub debug: bool,
    /// Nothing to leave out: package.json is never changed.
    #[arg(long, global = true, hide = true)]
    no_dependency_update: bool,
    /// Nothing to leave out: nothing is reported to anybody.
    #[arg(long, global = true, hide = true)]
    no_telemetry: bool,
}

impl CommonArgs {
    /// The terminal, which asks nothing with `--no-interactive`.
    pub fn terminal(&self) -> Terminal {
        let terminal = Terminal::detect();
        if self.no_interactive {
            terminal.without_questions()
        } else {
            terminal
        }
    }
}
