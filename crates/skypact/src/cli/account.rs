//! `skypact account`: who may sign in at the running node.
use crate::cli::client::{self, Client, NodeArgs, path, show_time};
use crate::cli::{Exit, Global, Outcome, REFUSED, values};
use anyhow::{Context, Result};
use clap::Subcommand;
use hyper::Method;
use record::Role;
use serde_json::{Value, json};
use std::process::ExitCode;

const AFTER: &str = "\
Examples:
  skypact account add olga --role officer          prints the link with which olga signs in, once
  skypact account list
  skypact account code olga                        a new link: password lost, or the first one not used in time
  skypact account role olga --role planner
  skypact account remove olga

Roles:
  observer         looks
  officer          answers alerts and notices, sends notices
  planner          files plans, and all that an officer does
  administrator    accounts, release rules, channel state; does not answer the desk

A link is good once, for 24 hours and while the node runs; hand it over in person. Who signs in with it sets a password at once.
Every command is in the audit (GET /v1/audit), those given here as `operator`.

Exit codes: 0 done; 1 failed; 2 wrong command line; 4 refused by the node (a name that is not allowed, no such account).";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Lists the accounts with their roles.
    List {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Makes an account and prints the link with which it signs in, once.
    Add {
        /// 1 to 32 of a-z, 0-9, - and .
        name: String,
        /// observer, officer, planner or administrator.
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Gives an account another role. Its sessions end.
    Role {
        /// The account.
        name: String,
        /// observer, officer, planner or administrator.
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Takes an account's password away and prints a new link. Its sessions end.
    Code {
        /// The account.
        name: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Removes an account. Its sessions and its link end.
    Remove {
        /// The account.
        name: String,
        #[command(flatten)]
        node: NodeArgs,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("{text:?} is none of observer, officer, planner, administrator"))
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    let (answer, text) = match args.command {
        AccountCommand::List { node } => {
            let items = client::talk(&node, async |client| client.list("/v1/accounts").await)?;
            let text = table(&items);
            (json!({ "items": items }), text)
        }
        AccountCommand::Add { name, role, node } => client::talk(&node, async |client| {
            if find(client, &name).await?.is_some() {
                let advice =
                    format!("`skypact account code {name}` makes a new link, `skypact account role` changes its role");
                return refused(format!("there is an account {name} already: {advice}"));
            }
            put(client, &name, json!({ "role": role.name() })).await
        })?,
        AccountCommand::Role { name, role, node } => client::talk(&node, async |client| {
            known(client, &name).await?;
            put(client, &name, json!({ "role": role.name() })).await
        })?,
        AccountCommand::Code { name, node } => client::talk(&node, async |client| {
            let account = known(client, &name).await?;
            put(client, &name, json!({ "role": account["role"], "new_code": true })).await
        })?,
        AccountCommand::Remove { name, node } => client::talk(&node, async |client| {
            known(client, &name).await?;
            client.command(Method::DELETE, &account_path(&name)?, None).await?;
            Ok((json!({ "removed": name }), format!("Removed {name}.\n")))
        })?,
    };
    if global.json {
        println!("{answer}");
    } else {
        print!("{text}");
    }
    Ok(ExitCode::SUCCESS)
}

fn refused<T>(message: String) -> Result<T> {
    Err(Exit { code: REFUSED, message }.into())
}

/// Names of accounts have dots, which the other names of the API have not.
fn account_path(name: &str) -> Result<String> {
    path("/v1/accounts/", &name.replace('.', "-"), "").context("the account's name")?;
    Ok(format!("/v1/accounts/{name}"))
}

async fn find(client: &Client, name: &str) -> Result<Option<Value>> {
    account_path(name)?;
    Ok(client.list("/v1/accounts").await?.into_iter().find(|a| a["name"] == name))
}

async fn known(client: &Client, name: &str) -> Result<Value> {
    match find(client, name).await? {
        Some(account) => Ok(account),
        None => refused(format!("there is no account {name}; `skypact account list` shows them")),
    }
}

async fn put(client: &Client, name: &str, body: Value) -> Result<(Value, String)> {
    let mut answer = client.command(Method::PUT, &account_path(name)?, Some(body)).await?;
    let role = values::plain(answer["role"].as_str().unwrap_or_default());
    let mut text = format!("{name} is {role}.\n");
    if let Some(code) = answer["code"].as_str().map(str::to_owned) {
        let link = client.console(&format!("#code={code}"));
        text.push_str(&format!(
            "Sign in once as {name}, within 24 hours: {link}\n\
             Elsewhere than on this machine: the console's own address there, with /#code={code} behind it.\n"
        ));
        answer["url"] = json!(link);
    }
    Ok((answer, text))
}

fn table(items: &[Value]) -> String {
    if items.is_empty() {
        return String::from("No accounts.\n");
    }
    let mut out = String::new();
    for item in items {
        let word = |name: &str| values::plain(item[name].as_str().unwrap_or("-"));
        let mut line = format!("{:<32} {:<14} {}", word("name"), word("role"), word("signs_in_with"));
        if item["must_set_password"] == true {
            line.push_str(", no password set yet");
        }
        if item["expires_utc_ms"].is_i64() {
            line.push_str(&format!(", until {}", show_time(&item["expires_utc_ms"])));
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_listed_on_lines() {
        let items = [
            json!({ "name": "olga", "role": "officer", "signs_in_with": "code", "expires_utc_ms": null, "must_set_password": true }),
            json!({ "name": "wall", "role": "observer", "signs_in_with": "token", "expires_utc_ms": 0, "must_set_password": false }),
        ];
        let want = format!(
            "{:<32} officer        code, no password set yet\n{:<32} observer       token, until 1970-01-01T00:00:00Z\n",
            "olga", "wall"
        );
        assert_eq!(table(&items), want);
        assert_eq!(table(&[]), "No accounts.\n");
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        assert_eq!(account_path("o.brien-2").unwrap(), "/v1/accounts/o.brien-2");
        for name in ["", "../release", "a/b", "a?b", "a b", "a#b"] {
            assert!(account_path(name).is_err(), "{name:?}");
        }
        assert_eq!(role("chief").unwrap_err(), "\"chief\" is none of observer, officer, planner, administrator");
    }
}
