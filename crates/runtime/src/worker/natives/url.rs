//! WHATWG URLs through the `url` crate's browser-facing setters and getters.

use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Function, Object, Result, String as JsString, Value};
use url::{Url, form_urlencoded, quirks};

use super::text;

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("urlParse", Function::new(ctx.clone(), parse)?)?;
    native.set("urlSet", Function::new(ctx.clone(), set)?)?;
    native.set("formEncode", Function::new(ctx.clone(), form_encode)?)?;
    native.set("formDecode", Function::new(ctx.clone(), form_decode)?)?;
    native.set("domain", Function::new(ctx.clone(), domain)?)
}

/// A domain in ASCII, or as people read it; empty when it is none.
fn domain(source: JsString<'_>, readable: bool) -> Result<String> {
    let source = text(source)?;
    Ok(match url::Host::parse(&source) {
        Ok(url::Host::Domain(_)) if readable => quirks::domain_to_unicode(&source),
        Ok(url::Host::Domain(name)) => name,
        Ok(address) => address.to_string(),
        Err(_) => String::new(),
    })
}

/// Parts in the order of the prelude's `URL_PARTS`, or undefined when it is no URL.
fn parse<'js>(source: JsString<'js>, base: Opt<Value<'js>>) -> Result<Option<Vec<String>>> {
    let source = text(source)?;
    let base = match base.0.and_then(Value::into_string) {
        Some(base) => match Url::parse(&text(base)?) {
            Ok(base) => Some(base),
            Err(_) => return Ok(None),
        },
        None => None,
    };
    Ok(Url::options()
        .base_url(base.as_ref())
        .parse(&source)
        .ok()
        .map(|mut url| {
            encode_carets(&mut url);
            parts(&url)
        }))
}

fn set(href: JsString<'_>, name: JsString<'_>, value: JsString<'_>) -> Result<Option<Vec<String>>> {
    let Ok(mut url) = Url::parse(&text(href)?) else {
        return Ok(None);
    };
    let value = text(value)?;
    let done = match text(name)?.as_str() {
        "href" => quirks::set_href(&mut url, &value).is_ok(),
        "protocol" => quirks::set_protocol(&mut url, &value).is_ok(),
        "username" => quirks::set_username(&mut url, &value).is_ok(),
        "password" => quirks::set_password(&mut url, &value).is_ok(),
        "host" => quirks::set_host(&mut url, &value).is_ok(),
        "hostname" => quirks::set_hostname(&mut url, &value).is_ok(),
        "port" => quirks::set_port(&mut url, &value).is_ok(),
        "pathname" => {
            quirks::set_pathname(&mut url, &value);
            true
        }
        "search" => {
            quirks::set_search(&mut url, &value);
            true
        }
        "hash" => {
            quirks::set_hash(&mut url, &value);
            true
        }
        _ => false,
    };
    encode_carets(&mut url);
    Ok(done.then(|| parts(&url)))
}

/// The standard came to encode this sign in paths, later than the crate.
fn encode_carets(url: &mut Url) {
    if !url.cannot_be_a_base() && url.path().contains('^') {
        let path = url.path().replace('^', "%5E");
        url.set_path(&path);
    }
}

fn parts(url: &Url) -> Vec<String> {
    vec![
        quirks::href(url).to_owned(),
        quirks::origin(url),
        quirks::protocol(url).to_owned(),
        quirks::username(url).to_owned(),
        quirks::password(url).to_owned(),
        quirks::host(url).to_owned(),
        quirks::hostname(url).to_owned(),
        quirks::port(url).to_owned(),
        quirks::pathname(url).to_owned(),
        quirks::search(url).to_owned(),
        quirks::hash(url).to_owned(),
    ]
}

fn form_encode(flat: Vec<String>) -> String {
    let mut serializer = form_urlencoded::Serializer::new(String::new());
    for pair in flat.chunks_exact(2) {
        serializer.append_pair(&pair[0], &pair[1]);
    }
    serializer.finish()
}

fn form_decode(source: JsString<'_>) -> Result<Vec<String>> {
    let source = text(source)?;
    Ok(form_urlencoded::parse(source.as_bytes())
        .flat_map(|(name, value)| [name.into_owned(), value.into_owned()])
        .collect())
}
