//! Which deployed function a command is about.

use anyhow::{Error, Result, bail};

use super::client::{ClientError, segment};
use crate::failure::Failure;

/// An integration and the name of one of its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    /// Key of the integration.
    pub integration: String,
    /// Name of the function.
    pub name: String,
}

impl FunctionName {
    /// Two words, or one with a slash between them, as lists print it.
    pub fn parse(integration: &str, name: Option<&str>) -> Result<Self> {
        let (integration, name) = match (name, integration.split_once('/')) {
            (Some(name), None) => (integration, name),
            (None, Some(both)) => both,
            (Some(name), Some(_)) => bail!(Failure::usage(format!(
                "{integration} names a function already; leave out {name}"
            ))),
            (None, None) => bail!(Failure::usage(format!(
                "name the function, too: {integration}/NAME; `tenon functions list` shows what is deployed"
            ))),
        };
        // They become parts of paths, here and on the server.
        segment(integration)?;
        segment(name)?;
        Ok(Self {
            integration: integration.to_owned(),
            name: name.to_owned(),
        })
    }

    /// `hubspot/contacts`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.integration, self.name)
    }

    /// A path of the API below this function.
    pub fn path(&self, rest: &str, query: &[(&str, Option<&str>)]) -> Result<String> {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query {
            if let Some(value) = value {
                pairs.append_pair(name, value);
            }
        }
        let query = pairs.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        let (integration, name) = (segment(&self.integration)?, segment(&self.name)?);
        Ok(format!(
            "/integrations/{integration}/functions/{name}{rest}{separator}{query}"
        ))
    }

    /// A refusal as this command line puts it: versions are listed by a command, not at an address.
    pub fn explain(&self, error: ClientError) -> Error {
        match &error {
            ClientError::Refused { code, message, .. } if code == "version_not_found" => {
                let what = message.split(';').next().unwrap_or(message);
                let (integration, name) = (&self.integration, &self.name);
                let advice = format!("`tenon functions show {integration} {name}` lists its versions");
                Failure::new(code, format!("{what}; {advice} ({code})")).into()
            }
            _ => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        let path = |integration, name| FunctionName::parse(integration, name)?.path("/code", &[("type", None)]);
        assert_eq!(path("a", Some("b")).unwrap(), "/integrations/a/functions/b/code");
        assert_eq!(path("a/b", None).unwrap(), "/integrations/a/functions/b/code");
        let odd = path("hub spot", Some("a/../b?c#d%")).unwrap();
        assert_eq!(odd, "/integrations/hub%20spot/functions/a%2F..%2Fb%3Fc%23d%25/code");
        for (integration, name) in [
            ("a", None),
            ("a/b", Some("c")),
            ("..", Some("b")),
            ("a", Some(".")),
            ("a/", None),
        ] {
            path(integration, name).unwrap_err();
        }
    }
}
