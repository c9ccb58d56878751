//! `tenon skills`: teaches coding agents how to build on Tenon.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::authoring::terminal::{Style, Terminal, count, note, say, table};
use crate::config::env;
use crate::failure::Failure;
use crate::skills::{self, Agent, Change, Outcome, Plan, Roots, SKILLS, Scope, Skill};

/// Somebody changed a file, and `--force` was not given; the same code as a deploy that was refused.
const REFUSED: u8 = 11;

/// Flags of `tenon skills`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon skills list
  tenon skills install                          for the agents that this project or your home folder shows
  tenon skills install --agent claude-code --agent codex
  tenon skills install --global --agent cursor

The same skills can be installed from the repository with `npx skills add`.")]
pub struct SkillsArgs {
    #[command(subcommand)]
    command: SkillsCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum SkillsCommand {
    /// Write the skills into the folders that coding agents read.
    #[command(after_help = "Examples:
  tenon skills install                                   for the agents that are found
  tenon skills install --agent claude-code --agent codex
  tenon skills install --agent all --dir my-integrations
  tenon skills install --skill operating-tenon --global  for every project of yours
  tenon skills install --list                            agents, their folders, and which were found
  tenon skills install --json | jq '.targets[] | {path, created, updated}'

Agents are found by the folders they leave in the project; when there are none, by those in your home folder. Run it
again after an update of tenon: files that nobody touched are brought up to date. A file that you changed is never
overwritten without --force, and then nothing else is written either.
Exit codes: 0 everything is in place, 11 refused because files were changed, 1 anything else.")]
    Install(InstallArgs),
    /// Show the skills and where they are installed.
    #[command(after_help = "Examples:
  tenon skills list
  tenon skills list --json | jq '.skills[].installed'

States: current, outdated (`tenon skills install` brings it up to date), changed (by somebody; it stays as it is).")]
    List(ListArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct InstallArgs {
    /// Install for this agent; repeat for several. `all` is every agent [default: the agents that are found].
    #[arg(long = "agent", short, value_name = "NAME", num_args = 1..)]
    agents: Vec<String>,
    /// Install this skill only; repeat for several [default: all].
    #[arg(long = "skill", short, value_name = "NAME", num_args = 1..)]
    skills: Vec<String>,
    /// Install into your home folder, for every project.
    #[arg(long, short, conflicts_with = "dir")]
    global: bool,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Show the agents and their folders, and install nothing.
    #[arg(long, short)]
    list: bool,
    /// Overwrite files that were changed since they were installed.
    #[arg(long)]
    force: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct ListArgs {
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &SkillsArgs) -> Result<ExitCode> {
    match &args.command {
        SkillsCommand::Install(args) if args.list => Ok(list_agents(args)),
        SkillsCommand::Install(args) => install(args),
        SkillsCommand::List(args) => list(args),
    }
}

fn install(args: &InstallArgs) -> Result<ExitCode> {
    let roots = roots(&args.dir);
    let scope = scope(args);
    let skills = wanted_skills(&args.skills)?;
    let agents = wanted_agents(&args.agents, &roots, scope)?;
    let Some(root) = roots.of(scope) else {
        bail!("there is no home folder: HOME is not set; install into a project, without --global");
    };
    if !root.is_dir() {
        bail!(
            "{} is not a folder; name the project's folder with --dir",
            root.display()
        );
    }
    let plan = skills::plan(root, scope, &agents, &skills)?;
    match plan.apply(args.force)? {
        Outcome::Refused(files) => {
            let message = "files were changed since they were installed; --force overwrites them";
            bail!(
                Failure::new("files_changed", message)
                    .lead("Nothing was installed")
                    .exit(REFUSED)
                    .list("files", files)
            )
        }
        Outcome::Done => {
            if args.json {
                say(&report(&plan, &skills, scope).to_string());
            } else {
                show(&plan, &skills, scope);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn roots(project: &std::path::Path) -> Roots {
    let home = env::var("HOME").or_else(|| env::var("USERPROFILE")).map(PathBuf::from);
    Roots {
        project: project.to_owned(),
        home,
    }
}

fn scope(args: &InstallArgs) -> Scope {
    if args.global { Scope::Global } else { Scope::Project }
}

fn wanted_skills(names: &[String]) -> Result<Vec<&'static Skill>> {
    if names.is_empty() {
        return Ok(SKILLS.iter().collect());
    }
    names
        .iter()
        .map(|name| match SKILLS.iter().find(|skill| skill.name == name) {
            Some(skill) => Ok(skill),
            None => bail!(Failure::not_found(format!(
                "there is no skill `{name}`; there are {}",
                SKILLS.map(|skill| skill.name).join(", ")
            ))),
        })
        .collect()
}

fn wanted_agents(names: &[String], roots: &Roots, scope: Scope) -> Result<Vec<&'static Agent>> {
    if names.iter().any(|name| name == "all") {
        return Ok(skills::AGENTS.iter().collect());
    }
    if !names.is_empty() {
        return names
            .iter()
            .map(|name| match skills::by_name(name) {
                Some(agent) => Ok(agent),
                None => bail!(Failure::not_found(format!(
                    "the agent `{name}` is not known; known are {}",
                    skills::names()
                ))),
            })
            .collect();
    }
    let found = skills::detect(roots, scope);
    if found.is_empty() {
        bail!("no coding agent was found; name one with --agent: {}", skills::names());
    }
    Ok(found)
}

fn show(plan: &Plan, skills: &[&Skill], scope: Scope) {
    let terminal = Terminal::detect();
    let home = if scope == Scope::Global { "~/" } else { "" };
    for target in &plan.targets {
        let names = target
            .agents
            .iter()
            .map(|agent| agent.name)
            .collect::<Vec<_>>()
            .join(", ");
        let done: Vec<String> = [
            (Change::Create, "new"),
            (Change::Update, "updated"),
            (Change::Conflict, "overwritten"),
            (Change::Remove, "removed"),
        ]
        .into_iter()
        .map(|(change, word)| (target.files(change).len(), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number, "file")))
        .collect();
        let (sign, done) = if done.is_empty() {
            (terminal.paint(Style::Dim, "="), "up to date".to_owned())
        } else {
            (terminal.paint(Style::Green, "+"), done.join(", "))
        };
        say(&format!(
            "  {sign} {home}{}  {}  {done}",
            target.path,
            terminal.paint(Style::Dim, &format!("({names})")),
        ));
        for hint in &target.hints {
            note(&format!("    {}: {hint}", terminal.paint(Style::Yellow, "to do")));
        }
    }
    let names = skills.iter().map(|skill| skill.name).collect::<Vec<_>>().join(", ");
    say(&format!("\n{}: {names}", count(skills.len(), "skill")));
    if scope == Scope::Project {
        say("Commit the files, and ask your agent for what you need: \"sync the contacts of HubSpot\".");
    }
}

fn report(plan: &Plan, skills: &[&Skill], scope: Scope) -> Value {
    let targets: Vec<Value> = plan
        .targets
        .iter()
        .map(|target| {
            json!({
                "agents": target.agents.iter().map(|agent| agent.id).collect::<Vec<_>>(),
                "path": target.path,
                "created": target.files(Change::Create),
                "updated": target.files(Change::Update),
                "overwritten": target.files(Change::Conflict),
                "removed": target.files(Change::Remove),
                "unchanged": target.files(Change::Keep),
                "to_do": target.hints,
            })
        })
        .collect();
    json!({
        "ok": true,
        "scope": scope_word(scope),
        "skills": skills.iter().map(|skill| skill.name).collect::<Vec<_>>(),
        "targets": targets,
    })
}

fn list_agents(args: &InstallArgs) -> ExitCode {
    let found = skills::detect(&roots(&args.dir), scope(args));
    let is_found = |agent: &Agent| found.iter().any(|one| one.id == agent.id);
    if args.json {
        let agents: Vec<Value> = skills::AGENTS
            .iter()
            .map(|agent| {
                json!({
                    "agent": agent.id,
                    "name": agent.name,
                    "project": agent.layout.path(Scope::Project),
                    "home": agent.layout.path(Scope::Global),
                    "found": is_found(agent),
                })
            })
            .collect();
        say(&json!({ "agents": agents }).to_string());
        return ExitCode::SUCCESS;
    }
    let terminal = Terminal::detect();
    let mut rows = vec![
        ["AGENT", "NAME", "PROJECT", "HOME", ""]
            .map(|head| terminal.paint(Style::Bold, head))
            .to_vec(),
    ];
    rows.extend(skills::AGENTS.iter().map(|agent| {
        vec![
            agent.id.to_owned(),
            agent.name.to_owned(),
            agent.layout.path(Scope::Project).to_owned(),
            format!("~/{}", agent.layout.path(Scope::Global)),
            if is_found(agent) {
                terminal.paint(Style::Green, "found")
            } else {
                String::new()
            },
        ]
    }));
    say(table(0, &rows).trim_end());
    ExitCode::SUCCESS
}

fn list(args: &ListArgs) -> Result<ExitCode> {
    let roots = roots(&args.dir);
    let terminal = Terminal::detect();
    let mut listed = Vec::new();
    for skill in &SKILLS {
        let mut places = Vec::new();
        for scope in [Scope::Project, Scope::Global] {
            let Some(root) = roots.of(scope) else { continue };
            for place in skills::installed(root, scope, skill)? {
                places.push((scope, place));
            }
        }
        if args.json {
            let places: Vec<Value> = places
                .iter()
                .map(|(scope, place)| json!({ "scope": scope_word(*scope), "path": place.path, "state": place.state }))
                .collect();
            listed.push(json!({ "name": skill.name, "description": skill.description(), "installed": places }));
            continue;
        }
        say(&format!(
            "{}\n  {}",
            terminal.paint(Style::Bold, skill.name),
            skill.description()
        ));
        for (scope, place) in &places {
            let home = if *scope == Scope::Global { "~/" } else { "" };
            say(&terminal.paint(Style::Dim, &format!("  {home}{} ({})", place.path, place.state)));
        }
    }
    if args.json {
        say(&json!({ "skills": listed }).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Project => "project",
        Scope::Global => "global",
    }
}
