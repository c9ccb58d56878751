//! What happens around a connection: values kept, code run after connecting, verifying and before deleting.

use crate::template::{JsonTemplate, Template};

use super::Method;

/// What is kept as connection values.
#[derive(Debug, Clone, Default)]
pub struct Captures {
    /// Callback query parameters.
    pub callback: Vec<String>,
    /// Dotted paths in the token reply, saved under the dotted name.
    pub token_reply: Vec<String>,
    /// Dotted paths in the reply to a refresh.
    pub refresh_reply: Vec<String>,
    /// Dotted paths in an installation webhook.
    pub install_webhook: Vec<String>,
    /// Names that come from follow-up calls, so the form must not ask for them.
    pub after_connect: Vec<String>,
    /// Follow-up look-ups as data; run in order after the connection exists.
    pub fetch: Vec<Capture>,
}

/// One value found after connecting.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Name under which it is saved.
    pub save_as: String,
    /// Where to look.
    pub from: CaptureFrom,
    /// Dotted path in what was found.
    pub path: String,
    /// Expression whose first group is the value.
    pub regex: Option<super::Pattern>,
    /// Which element of a list to take.
    pub pick: Pick,
    /// Skip unless the field at this path of what was found equals the text.
    pub when: Option<(String, String)>,
    /// Skip when the value is already there.
    pub unless_set: bool,
}

/// Where a captured value comes from.
#[derive(Debug, Clone)]
pub enum CaptureFrom {
    /// The token reply.
    TokenReply,
    /// Claims of the access token.
    AccessTokenClaims,
    /// Claims of the id token in the token reply.
    IdTokenClaims,
    /// A call to the vendor with the fresh credentials.
    Call {
        /// Method.
        method: Method,
        /// Path below the base URL, or an absolute URL.
        url: Template,
        /// Extra headers.
        headers: Vec<(String, Template)>,
        /// JSON body.
        body: Option<JsonTemplate>,
    },
}

/// Which element of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Pick {
    /// The first.
    #[default]
    First,
    /// The only one; nothing when there are several.
    Only,
    /// The first whose field equals the text.
    Where(String, String),
}

/// Named code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hooks {
    /// After a connection was created or authorised again.
    pub after_connect: Option<AfterConnect>,
    /// Instead of the declarative probe.
    pub verify: Option<Verify>,
    /// Before a connection is deleted.
    pub before_delete: Option<BeforeDelete>,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Name in files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The variant with this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use named;

named! {
    /// Code that runs in the background after a connection was made. A failure is logged and undoes nothing.
    AfterConnect {
        /// Copies the client id into `clientId`.
        AdobeUmapi = "adobe_umapi",
        /// Site choice of Atlassian's government cloud.
        AtlassianGovernmentCloud = "atlassian_government_cloud",
        /// Site choice of Atlassian service accounts.
        AtlassianServiceAccount = "atlassian_service_account",
        /// Workspace id.
        Attio = "attio",
        /// Account id when there is exactly one.
        Basecamp = "basecamp",
        /// Removes user name and password from the connection values.
        Bullhorn = "bullhorn",
        /// Organization id from the current user.
        Calendly = "calendly",
        /// Organization id.
        Candis = "candis",
        /// Whether the account hierarchy is enabled.
        CheckrPartner = "checkr_partner",
        /// Base URI and id of the default account.
        Docusign = "docusign",
        /// Handle of the user; copies a user token.
        GithubAppOauth = "github_app_oauth",
        /// Hash of the address of the primary calendar.
        GoogleCalendar = "google_calendar",
        /// Hash of the mail address.
        GoogleMail = "google_mail",
        /// Company id.
        Gusto = "gusto",
        /// Company and location of the token reply.
        Highlevel = "highlevel",
        /// Portal id.
        Hubspot = "hubspot",
        /// Site choice, account id.
        Jira = "jira",
        /// Account id over GraphQL.
        Jobber = "jobber",
        /// Organization id over GraphQL.
        Linear = "linear",
        /// Data centre of the account.
        Mailchimp = "mailchimp",
        /// Tenant of the access token.
        MicrosoftTeams = "microsoft_teams",
        /// Bot framework token.
        MicrosoftTeamsBot = "microsoft_teams_bot",
        /// Tenant, and a side token for the file host.
        Onedrive = "onedrive",
        /// First company.
        Procore = "procore",
        /// Tells the vendor that the app is installed.
        RipplingShopApp = "rippling_shop_app",
        /// First company and site.
        Sage200 = "sage200",
        /// Nothing today.
        Salesforce = "salesforce",
        /// Corporation of the token.
        Sellsy = "sellsy",
        /// Confirms an installation.
        SentryOauth = "sentry_oauth",
        /// Current user by SQL.
        Snowflake = "snowflake",
        /// Tenant and region.
        SophosCentral = "sophos_central",
        /// Sub-domain of the first account.
        Workable = "workable",
        /// Tenant of the authorisation.
        Xero = "xero",
        /// Data-centre extension.
        Zoho = "zoho",
    }
}

named! {
    /// Code that replaces the declarative probe.
    Verify {
        /// Health call that answers 200 either way.
        Apollo = "apollo",
        /// Signed `GetCallerIdentity`.
        AwsIam = "aws_iam",
        /// Projects call that must be exactly 200.
        AzureDevops = "azure_devops",
        /// JSON-RPC key details.
        Bitdefender = "bitdefender",
        /// An empty order that must be refused as incomplete.
        Cdw = "cdw",
        /// Policy list without an authentication error.
        Expensify = "expensify",
        /// User data without an authorization error.
        Lastpass = "lastpass",
        /// XML status without an error element.
        PushpayChmsV1 = "pushpay_chms_v1",
        /// GraphQL reply with orders.
        Skio = "skio",
        /// Users call.
        SnipeIt = "snipe_it",
        /// SOAP look-up without the refusal code.
        VantageApparel = "vantage_apparel",
    }
}

named! {
    /// Code before a connection is deleted. A failure is logged and stops nothing.
    BeforeDelete {
        /// Revokes the refresh token unless metadata says otherwise.
        Hubspot = "hubspot",
        /// Uninstalls the app.
        Intercom = "intercom",
        /// Revokes the token.
        Linear = "linear",
        /// Revokes the token with the client's own header format.
        Onelogin = "onelogin",
    }
}
