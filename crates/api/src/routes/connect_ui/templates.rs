//! What is handed to the templates under `ui/connect`.

use askama::Template;
use tenon_app::connect_ui::{Choice, ConnectForm, ConnectUiSettings, FormField, FormKind, Primary, ThemeName, Wrong};
use tenon_app::environments::Environment;

use super::language::Language;
use super::states::{Icon, STATES, State};

/// Colours, logo and names, as attributes that the script applies: the policy allows no style attributes.
#[derive(Debug, Default)]
pub(super) struct Brand {
    pub light: Option<Primary>,
    pub dark: Option<Primary>,
    pub theme: &'static str,
    pub logo: String,
    pub product: String,
    pub identity: String,
}

impl Brand {
    pub fn of(environment: &Environment, identity: Option<String>) -> Self {
        let settings = &environment.settings.connect_ui;
        let colour = |text: &Option<String>| text.as_deref().and_then(Primary::parse);
        Self {
            // A colour chosen for one theme is the best guess for the other.
            light: colour(&settings.primary_light).or_else(|| colour(&settings.primary_dark)),
            dark: colour(&settings.primary_dark).or_else(|| colour(&settings.primary_light)),
            theme: settings.theme.as_str(),
            logo: logo(settings),
            product: settings.product_name.clone().unwrap_or_default(),
            identity: identity.unwrap_or_default(),
        }
    }
}

fn logo(settings: &ConnectUiSettings) -> String {
    let url = settings.logo_url.as_deref().filter(|url| url.starts_with("https://"));
    url.unwrap_or_default().to_owned()
}

/// What the page begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Wait for the page around.
    Embedded,
    /// Ask whether the person expected this link.
    Ask,
    /// Go on with this token.
    Session(String),
    /// Show a state and nothing else.
    State(&'static str),
}

impl Start {
    fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Ask => "ask",
            Self::Session(_) => "session",
            Self::State(name) => name,
        }
    }

    fn token(&self) -> &str {
        match self {
            Self::Session(token) => token,
            Self::Embedded | Self::Ask | Self::State(_) => "",
        }
    }
}

/// The whole page.
#[derive(Debug, Template)]
#[template(path = "connect/page.html")]
pub(super) struct Page<'a> {
    pub t: Language,
    pub nonce: &'a str,
    pub style: &'static str,
    pub script: &'static str,
    pub start: Start,
    /// Theme of the query; wins over the environment's.
    pub theme: Option<ThemeName>,
    pub sockets: String,
    pub brand: Brand,
    pub person: String,
    pub organization: String,
}

impl Page<'_> {
    fn is_link(&self) -> bool {
        self.start != Start::Embedded
    }

    fn states(&self) -> &'static [State] {
        STATES
    }

    fn fixed_theme(&self) -> &'static str {
        self.theme.map_or("", ThemeName::as_str)
    }
}

/// The page that a window ends on.
#[derive(Debug, Template)]
#[template(path = "connect/result.html")]
pub(super) struct ResultPage<'a> {
    pub t: Language,
    pub nonce: &'a str,
    pub style: &'static str,
    pub script: &'static str,
    /// Light, dark, or empty for what the device prefers.
    pub theme: &'static str,
    pub brand: Brand,
    /// What was connected.
    pub choice: Option<&'a Choice>,
    pub name: &'static str,
    pub tone: &'static str,
    pub icon: Icon,
    pub title: String,
    pub hints: Vec<String>,
    /// For support; empty shows none.
    pub details: &'a str,
    /// What the opener hears, as JSON.
    pub payload: String,
}

/// The integrations to choose from.
#[derive(Debug, Template)]
#[template(path = "connect/list.html")]
pub(super) struct List {
    pub t: Language,
    pub brand: Brand,
    pub choices: Vec<Choice>,
}

impl List {
    fn is_long(&self) -> bool {
        self.choices.len() > 5
    }

    /// Two integrations of one provider have the same name unless the developer gave them others.
    fn has_twin(&self, choice: &Choice) -> bool {
        let alike = self.choices.iter().filter(|other| other.name == choice.name);
        alike.count() > 1
    }
}

/// One integration.
#[derive(Debug, Template)]
#[template(path = "connect/form.html")]
pub(super) struct Form {
    pub t: Language,
    pub brand: Brand,
    pub form: ConnectForm,
    /// Whether there is a list to go back to.
    pub has_list: bool,
    pub wrong: Vec<Wrong>,
    /// The provider did not accept the values.
    pub refused: bool,
    /// The provider's words about it.
    pub reason: String,
}

impl Form {
    fn kind(&self) -> &'static str {
        match self.form.kind {
            FormKind::Popup => "popup",
            FormKind::Credentials => "credentials",
            FormKind::Nothing => "nothing",
            FormKind::Outbound => "outbound",
        }
    }

    fn fill(&self, key: &str) -> String {
        self.t.fill(key, "app", &self.form.choice.name)
    }

    fn title(&self) -> String {
        self.fill(if self.form.reconnects {
            "form_title_again"
        } else {
            "form_title"
        })
    }

    fn hint(&self) -> String {
        self.fill(match self.form.kind {
            FormKind::Popup => "popup_hint",
            FormKind::Credentials => "key_hint",
            FormKind::Nothing => "none_hint",
            FormKind::Outbound => "outbound_hint",
        })
    }

    fn button(&self) -> String {
        match (self.form.kind, self.form.reconnects) {
            (FormKind::Popup, _) => self.fill("button_continue"),
            (_, true) => self.t.text("button_again").to_owned(),
            (_, false) => self.t.text("button_connect").to_owned(),
        }
    }

    /// The page's own word for a field, where the catalogue's label says no more than its name.
    fn own_label(&self, field: &FormField) -> Option<&'static str> {
        let ordinary = field.label.is_empty() || ORDINARY.contains(&field.label.as_str());
        self.t.find_text(&format!("field_{}", field.name)).filter(|_| ordinary)
    }

    fn label<'f>(&self, field: &'f FormField) -> &'f str {
        match self.own_label(field) {
            Some(text) => text,
            None if field.label.is_empty() => &field.name,
            None => &field.label,
        }
    }

    /// Some labels of the catalogue say it themselves.
    fn says_optional(&self, field: &FormField) -> bool {
        field.optional && !field.label.to_lowercase().contains("(optional)")
    }

    /// The catalogue speaks English.
    fn label_language(&self, field: &FormField) -> &'static str {
        self.own_label(field).map_or("en", |_| self.t.tag)
    }

    /// Help that only repeats the label is left out.
    fn help<'f>(&self, field: &'f FormField) -> Option<&'f str> {
        if field.name == "external_id" && field.read_only {
            return Some(self.t.text("external_id_help"));
        }
        let help = field.help.as_deref()?;
        let repeats = help.starts_with(&format!("{} of your ", field.label)) || help.starts_with("Choose the one that");
        (!repeats).then_some(help)
    }

    fn fault(&self, field: &FormField) -> Option<String> {
        use tenon_app::connect_ui::{FieldFault, Format};
        let wrong = self.wrong.iter().find(|wrong| wrong.id == field.id)?;
        let text = match wrong.fault {
            None => self.t.text("error_too_long"),
            Some(FieldFault::Missing) if field.choices.is_empty() => self.t.text("error_required"),
            Some(FieldFault::Missing | FieldFault::Choice) => self.t.text("error_choice"),
            Some(FieldFault::Format(Format::Hostname)) => self.t.text("error_hostname"),
            Some(FieldFault::Format(Format::Uri)) => self.t.text("error_url"),
            Some(FieldFault::Format(Format::Uuid)) => self.t.text("error_uuid"),
            Some(FieldFault::Format(Format::Email)) => self.t.text("error_email"),
            Some(FieldFault::Pattern) => match field.example.as_deref().filter(|text| !text.contains('\n')) {
                Some(example) => return Some(self.t.fill("error_format_example", "example", example)),
                None => self.t.text("error_format"),
            },
        };
        Some(text.to_owned())
    }

    /// Elements that describe an input.
    fn described_by(&self, index: &usize, field: &FormField) -> String {
        let help = self.help(field).map(|_| format!("help-{index}"));
        let wrong = self.fault(field).map(|_| format!("wrong-{index}"));
        help.into_iter().chain(wrong).collect::<Vec<_>>().join(" ")
    }

    fn input_type(&self, field: &FormField) -> &'static str {
        if field.secret { "password" } else { "text" }
    }
}

/// Labels of the catalogue that say no more than the name of the field.
const ORDINARY: &[&str] = &["API Key", "Username", "Password", "Client ID", "Client Secret"];

/// A connection was made.
#[derive(Debug, Template)]
#[template(path = "connect/connected.html")]
pub(super) struct Connected<'a> {
    pub key: &'a str,
    pub connection_id: &'a str,
    pub is_pending: bool,
}

/// Where the window goes.
#[derive(Debug, Template)]
#[template(path = "connect/popup.html")]
pub(super) struct Popup<'a> {
    pub url: &'a str,
}
