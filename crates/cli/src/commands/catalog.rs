//! `tenon catalog`: look at the providers, and check files before they go live.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tenon_catalog::{Catalog, Fault, Provider, Report};

use crate::authoring::terminal::{note, say};
use crate::commands::serve::CommonArgs;
use crate::failure::Failure;
use crate::{catalog_import, wiring};

/// Flags of `tenon catalog`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon catalog list --search google
  tenon catalog show hubspot
  tenon catalog show hubspot --requests
  tenon catalog check --providers-dir ./providers
  tenon catalog import acme.yaml -o ./providers/acme.toml")]
pub struct CatalogArgs {
    /// What to do.
    #[command(subcommand)]
    command: CatalogCommand,
    /// Folder with your own provider files [default: that of the configuration].
    #[arg(long, global = true)]
    providers_dir: Option<PathBuf>,
    /// Settings, and where data lives.
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum CatalogCommand {
    /// Check every entry and its example; the exit status is 1 when anything is wrong.
    Check {
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
    /// List providers.
    List {
        /// One JSON object per provider: id, name, auth, synonyms.
        #[arg(long)]
        json: bool,
        /// Only ids that match this pattern.
        #[arg(long)]
        search: Option<String>,
    },
    /// Convert a file of the incumbent's YAML provider format into ours, and check it.
    Import {
        /// The YAML file: a map from provider id to entry.
        file: PathBuf,
        /// Where to write [default: standard output]. A file in the providers folder is live at once.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Name of the vendor that the file belongs to [default: the file's name].
        #[arg(long)]
        vendor: Option<String>,
    },
    /// Show one provider.
    Show {
        /// Id or synonym.
        id: String,
        /// The entry as `GET /providers/<id>` answers it.
        #[arg(long)]
        json: bool,
        /// Every request that the entry makes, with made-up values: authorize URL, token, refresh, call, probe.
        #[arg(long, conflicts_with = "json")]
        requests: bool,
    },
}

/// Runs the command.
pub async fn run(args: CatalogArgs) -> Result<ExitCode> {
    if let CatalogCommand::Import { file, output, vendor } = &args.command {
        return import(file, output.as_deref(), vendor.as_deref());
    }
    let directory = match args.providers_dir {
        Some(directory) if !directory.is_dir() => bail!("{} is not a folder", directory.display()),
        Some(directory) => Some(directory),
        None => wiring::providers_dir(&args.common.load(Vec::new())?),
    };
    let loaded = match &directory {
        Some(directory) => Catalog::with_overlay(directory),
        None => Catalog::embedded(),
    };
    let catalog = match (loaded, &args.command) {
        (Ok(catalog), _) => catalog,
        (Err(error), CatalogCommand::Check { json }) => return Ok(show_faults(&error.faults, *json)),
        (Err(error), _) => return Err(error).context("`tenon catalog check` lists everything that is wrong"),
    };
    match args.command {
        CatalogCommand::Check { json } => Ok(check(&tenon_catalog::check(&catalog), json)),
        CatalogCommand::List { json, search } => list(&catalog, search.as_deref(), json),
        CatalogCommand::Show { id, requests: true, .. } => show_requests(&catalog, &id).await,
        CatalogCommand::Show { id, json, .. } => show(&catalog, &id, json),
        CatalogCommand::Import { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Converts a file. What is written is checked first; what was left out is said on standard error.
fn import(file: &Path, output: Option<&Path>, vendor: Option<&str>) -> Result<ExitCode> {
    let yaml = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let converted = catalog_import::convert(&yaml, vendor.unwrap_or(&stem))
        .with_context(|| format!("{} was not converted", file.display()))?;
    let place = output.map_or_else(|| format!("{stem}.toml"), |output| output.display().to_string());
    // Checked over the built-in entries, which the file may extend.
    let folder = tempfile::tempdir().context("a folder for the check cannot be made")?;
    std::fs::write(folder.path().join(format!("{stem}.toml")), &converted.toml).context("the check cannot be made")?;
    let outside = Catalog::with_overlay(folder.path());
    let mut notes: Vec<String> = converted
        .left_out
        .iter()
        .map(|what| format!("left out: {what}"))
        .collect();
    if let Err(error) = &outside {
        notes.extend(error.faults.iter().map(|fault| {
            let mut fault = fault.clone();
            fault.file.clone_from(&place);
            fault.to_string()
        }));
    }
    match output {
        Some(output) => {
            std::fs::write(output, &converted.toml)
                .with_context(|| format!("{} cannot be written", output.display()))?;
            notes.push(format!("{} entries written to {place}", converted.ids.len()));
        }
        None => say(&converted.toml),
    }
    notes.iter().for_each(|text| note(text));
    Ok(if outside.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check(report: &Report, as_json: bool) -> ExitCode {
    if !report.faults.is_empty() {
        return show_faults(&report.faults, as_json);
    }
    if as_json {
        let modes: Vec<Value> = report
            .modes
            .iter()
            .map(|(mode, count)| json!({ "auth": mode.wire(), "providers": count }))
            .collect();
        let abilities: Vec<Value> = report
            .abilities
            .iter()
            .map(|(name, count)| json!({ "can": name, "providers": count }))
            .collect();
        let summary = json!({ "faults": [], "providers": report.providers, "variants": report.variants,
            "vendors": report.vendors, "modes": modes, "abilities": abilities });
        say(&summary.to_string());
        return ExitCode::SUCCESS;
    }
    let mut lines = vec![
        format!(
            "{} providers of {} vendors, {} of them test variants",
            report.providers, report.vendors, report.variants
        ),
        String::new(),
    ];
    lines.extend(
        report
            .modes
            .iter()
            .map(|(mode, count)| format!("{count:>5}  {}", mode.wire())),
    );
    lines.push(String::new());
    lines.extend(
        report
            .abilities
            .iter()
            .map(|(name, count)| format!("{count:>5}  {name}")),
    );
    lines.push(String::new());
    lines.push("no faults".to_owned());
    print_lines(&lines);
    ExitCode::SUCCESS
}

fn show_faults(faults: &[Fault], as_json: bool) -> ExitCode {
    let lines: Vec<String> = if as_json {
        let faults: Vec<Value> = faults
            .iter()
            .map(|fault| {
                json!({ "file": fault.file, "line": fault.line, "entry": fault.entry, "key": fault.key,
                        "message": fault.message })
            })
            .collect();
        let message = format!("{} wrong in the providers", count_of_faults(faults.len()));
        let error = json!({ "code": "invalid_providers", "message": message });
        vec![json!({ "ok": false, "faults": faults, "error": error }).to_string()]
    } else {
        let last = format!("{} wrong", count_of_faults(faults.len()));
        faults.iter().map(ToString::to_string).chain([last]).collect()
    };
    print_lines(&lines);
    ExitCode::FAILURE
}

fn count_of_faults(number: usize) -> String {
    match number {
        1 => "1 thing is".to_owned(),
        number => format!("{number} things are"),
    }
}

fn list(catalog: &Catalog, search: Option<&str>, as_json: bool) -> Result<ExitCode> {
    let providers: Vec<&Provider> = match search {
        Some(search) => catalog.search(search),
        None => catalog.iter().collect(),
    };
    let line = |provider: &&Provider| match as_json {
        true => json!({ "id": provider.id, "name": provider.display_name, "auth": provider.auth.wire(),
                        "synonyms": provider.synonyms })
        .to_string(),
        false => format!(
            "{:<44} {:<18} {}",
            provider.id,
            provider.auth.wire(),
            provider.display_name
        ),
    };
    let lines: Vec<String> = providers.iter().map(line).collect();
    if lines.is_empty() && !as_json {
        bail!("no provider matches; `tenon catalog list` shows all");
    }
    print_lines(&lines);
    Ok(ExitCode::SUCCESS)
}

fn found<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c Provider> {
    catalog.get(id).ok_or_else(|| {
        Failure::not_found(format!(
            "there is no provider {id:?}; `tenon catalog list --search` finds ids"
        ))
        .into()
    })
}

/// What the entry sends, made by the code that makes the real requests. Nothing is sent.
async fn show_requests(catalog: &Catalog, id: &str) -> Result<ExitCode> {
    let provider = found(catalog, id)?;
    let clock = std::sync::Arc::new(tenon_model::SystemClock::default());
    let egress = tenon_egress::Egress::new(tenon_egress::Policy::default(), clock)?;
    let mut lines = vec![
        format!("{} ({}), {}", provider.display_name, provider.id, provider.auth.wire()),
        "Values are made up; nothing is sent.".to_owned(),
    ];
    for part in tenon_credentials::preview::preview(&egress, provider).await {
        lines.push(String::new());
        lines.push(part.what);
        lines.extend(part.lines.into_iter().map(|line| format!("  {line}")));
    }
    print_lines(&lines);
    Ok(ExitCode::SUCCESS)
}

fn show(catalog: &Catalog, id: &str, as_json: bool) -> Result<ExitCode> {
    let provider = found(catalog, id)?;
    if as_json {
        say(&serde_json::to_string_pretty(&provider.to_wire())?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![
        format!("{} ({}), {}", provider.display_name, provider.id, provider.auth.wire()),
        format!("file        {}", provider.file),
        format!("categories  {}", provider.categories.join(", ")),
    ];
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            lines.push(format!("{name:<11} {value}"));
        }
    };
    fact("docs", provider.docs.clone());
    fact("also", Some(provider.synonyms.join(", ")));
    let used = provider.described();
    let text = |value: &Value| match value {
        Value::Object(urls) => {
            let urls = urls
                .iter()
                .filter_map(|(kind, url)| Some(format!("{} ({kind})", url.as_str()?)));
            Some(urls.collect::<Vec<_>>().join(", "))
        }
        other => other.as_str().map(str::to_owned),
    };
    fact("register", text(&used["registration_url"]));
    fact("temporary", text(&used["request_url"]));
    fact("authorize", text(&used["authorization_url"]));
    fact("token", text(&used["token_url"]));
    fact("refresh", text(&used["refresh_url"]));
    for (key, value) in provider.listed_otherwise() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fact(
            "listed as",
            Some(format!(
                "{key} = {value}, for clients of GET /providers that know it; not used"
            )),
        );
    }
    fact("api", text(&used["proxy"]["base_url"]));
    for (group, fields) in provider.inputs.groups() {
        for field in fields.iter().filter(|field| !field.filled_by_platform && !field.hidden) {
            fact(
                "asks for",
                Some(format!("{} ({group}.{}): {}", field.label, field.name, field.help)),
            );
        }
    }
    for quota in &provider.quotas {
        let per = match quota.window.as_secs() {
            0 => "at once".to_owned(),
            1 => "a second".to_owned(),
            seconds => format!("per {seconds} s"),
        };
        fact("quota", Some(format!("{}: {} {per}", quota.name, quota.limit)));
    }
    let webhook = provider.webhook.as_ref().filter(|_| provider.routes_webhooks());
    fact(
        "webhooks",
        webhook.map(|webhook| match &webhook.signature {
            Some(_) if webhook.signature_required => "signed, and refused without a known secret".to_owned(),
            Some(_) => "signed; checked once a secret is stored".to_owned(),
            None => "not signed by the vendor".to_owned(),
        }),
    );
    for note in &provider.notes {
        fact("note", Some(note.clone()));
    }
    print_lines(&lines);
    Ok(ExitCode::SUCCESS)
}

fn print_lines(lines: &[String]) {
    for line in lines {
        say(line);
    }
}
