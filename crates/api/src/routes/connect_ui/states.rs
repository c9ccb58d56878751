//! States of the page that need no server: what happened, and what to do next.

/// One state. Texts are keys of the language files.
#[derive(Debug)]
pub(super) struct State {
    pub name: &'static str,
    /// `good`, `bad`, `warn`, or nothing.
    pub tone: &'static str,
    /// Drawing on the badge; nothing shows a spinner.
    pub icon: Icon,
    pub title: &'static str,
    /// What to do, in a frame and on a page of its own.
    pub hint: &'static str,
    pub hint_link: &'static str,
    pub actions: &'static [Action],
    /// Whether technical details can be unfolded.
    pub details: bool,
}

/// A button.
#[derive(Debug)]
pub(super) struct Action {
    /// What the script does.
    pub does: &'static str,
    pub text: &'static str,
    pub is_primary: bool,
    /// There is nothing to close on a page of its own.
    pub in_frame_only: bool,
    /// A link in place of a button: browsers block windows, not links.
    pub is_link: bool,
}

/// Drawings, as paths on a 26 by 26 grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Icon {
    Spinner,
    Tick,
    Cross,
    Clock,
    Window,
    Chain,
    Mark,
}

impl Icon {
    pub const fn path(self) -> &'static str {
        match self {
            Self::Spinner => "",
            Self::Tick => "M6 13.5l5 5L20 8.5",
            Self::Cross => "M7 7l12 12M19 7L7 19",
            Self::Clock => "M13 4a9 9 0 100 18 9 9 0 000-18zM13 8v5l3.5 2",
            Self::Window => "M6 6h14a2 2 0 012 2v10a2 2 0 01-2 2H6a2 2 0 01-2-2V8a2 2 0 012-2zM4 11h18",
            Self::Chain => "M11 15l4-4M9 12l-2 2a3.5 3.5 0 005 5l2-2M17 14l2-2a3.5 3.5 0 00-5-5l-2 2",
            Self::Mark => "M13 7v8M13 19v.01",
        }
    }
}

const fn action(does: &'static str, text: &'static str) -> Action {
    Action {
        does,
        text,
        is_primary: true,
        in_frame_only: false,
        is_link: false,
    }
}

const fn close(text: &'static str) -> Action {
    Action {
        in_frame_only: true,
        ..action("close", text)
    }
}

const fn link(does: &'static str, text: &'static str) -> Action {
    Action {
        is_link: true,
        ..action(does, text)
    }
}

const fn aside(does: &'static str, text: &'static str) -> Action {
    Action {
        is_primary: false,
        ..action(does, text)
    }
}

const fn state(
    name: &'static str,
    tone: &'static str,
    icon: Icon,
    title: &'static str,
    hint: &'static str,
    actions: &'static [Action],
) -> State {
    State {
        name,
        tone,
        icon,
        title,
        hint,
        hint_link: hint,
        actions,
        details: false,
    }
}

const RETRY: &[Action] = &[action("retry", "try_again")];
const DONE: &[Action] = &[close("done")];

/// Every state.
pub(super) static STATES: &[State] = &[
    state(
        "waiting",
        "",
        Icon::Spinner,
        "waiting_title",
        "waiting_hint",
        &[aside("focus", "waiting_show"), aside("cancel", "cancel")],
    ),
    State {
        hint_link: "success_hint_link",
        ..state("success", "good", Icon::Tick, "success_title", "success_hint", DONE)
    },
    State {
        hint_link: "success_hint_link",
        ..state(
            "success-again",
            "good",
            Icon::Tick,
            "success_title_again",
            "success_hint",
            DONE,
        )
    },
    state("pending", "warn", Icon::Clock, "pending_title", "pending_hint", DONE),
    State {
        details: true,
        ..state("denied", "warn", Icon::Cross, "denied_title", "denied_hint", RETRY)
    },
    state("closed", "warn", Icon::Window, "closed_title", "closed_hint", RETRY),
    state(
        "blocked",
        "warn",
        Icon::Window,
        "blocked_title",
        "blocked_hint",
        &[link("open", "open_window"), aside("cancel", "cancel")],
    ),
    state(
        "approval",
        "warn",
        Icon::Clock,
        "approval_title",
        "approval_hint",
        RETRY,
    ),
    State {
        details: true,
        ..state("unready", "warn", Icon::Mark, "unready_title", "unready_hint", RETRY)
    },
    state(
        "gone",
        "warn",
        Icon::Mark,
        "gone_title",
        "gone_hint",
        &[action("list", "show_apps")],
    ),
    state("loading", "", Icon::Spinner, "loading", "", &[]),
    State {
        details: true,
        ..state("failed", "bad", Icon::Cross, "failed_title", "failed_hint", RETRY)
    },
    state(
        "offline",
        "bad",
        Icon::Mark,
        "offline_title",
        "offline_hint",
        &[action("reload", "try_again")],
    ),
    State {
        hint_link: "expired_hint_link",
        ..state(
            "expired",
            "warn",
            Icon::Clock,
            "expired_title",
            "expired_hint",
            &[close("close")],
        )
    },
    state("invalid", "warn", Icon::Chain, "invalid_title", "invalid_hint", &[]),
    state(
        "elsewhere",
        "warn",
        Icon::Chain,
        "elsewhere_title",
        "elsewhere_hint",
        &[],
    ),
    state("used", "warn", Icon::Chain, "used_title", "used_hint", &[]),
];
