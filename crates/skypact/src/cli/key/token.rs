//! `skypact key new` and `key import` with a PKCS#11 token (`spec/keys.md`, docs/adr/0018).
use crate::cli::{Global, Outcome};
use crate::config::Loaded;
use crate::keys::token::{Token, TokenFile, labels};
use crate::keys::{self, Keys, key_name};
use anyhow::{Context, Result, ensure};
use record::PartyId;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the signing keys are to be made, if not in files.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Where {
    /// Library of a PKCS#11 token; log and cosigning key are made in it and never leave it.
    #[arg(long, value_name = "FILE", requires_all = ["token", "pin_file"])]
    module: Option<PathBuf>,
    /// Label of the token.
    #[arg(long, value_name = "LABEL", requires = "module")]
    token: Option<String>,
    /// File with the token's PIN in its first line, mode 0600.
    #[arg(long, value_name = "FILE", requires = "module")]
    pin_file: Option<PathBuf>,
}

impl Where {
    /// The token, if one was named.
    pub(super) fn chosen(&self) -> Option<Chosen> {
        let (module, token, pin_file) = (self.module.clone()?, self.token.clone()?, self.pin_file.clone()?);
        Some(Chosen { module, token, pin_file })
    }
}

/// A token.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Chosen {
    /// Library of the PKCS#11 token.
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// Label of the token.
    #[arg(long, value_name = "LABEL")]
    token: String,
    /// File with the token's PIN in its first line, mode 0600.
    #[arg(long, value_name = "FILE")]
    pin_file: PathBuf,
}

/// Arguments of `key import`.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Configuration file.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Folder of the keys as they are, relative to the configuration file.
    #[arg(long, default_value = "keys")]
    from: PathBuf,
    /// Folder that uses them in the token, relative to the configuration file; must not exist.
    #[arg(long, default_value = "keys-2")]
    keys: PathBuf,
    #[command(flatten)]
    token: Chosen,
}

impl Chosen {
    /// The token, and what the folder's file will say of it.
    fn open(&self, party: &PartyId) -> Result<(std::sync::Arc<Token>, TokenFile)> {
        let absolute = |path: &Path| path.canonicalize().with_context(|| format!("{}", path.display()));
        let (module, pin_file) = (absolute(&self.module)?, absolute(&self.pin_file)?);
        let token = Token::open(&module, &self.token, &pin_file)?;
        let [log_key, cosign_key] = labels(party.as_str())?;
        Ok((token, TokenFile { module, token: self.token.clone(), log_key, cosign_key, pin_file }))
    }
}

/// Makes a set of keys, the signing ones in the token.
pub(super) fn create(folder: &Path, party: &PartyId, chosen: &Chosen) -> Result<Keys> {
    let (token, file) = chosen.open(party)?;
    token.generate(&file.log_key)?;
    token.generate(&file.cosign_key)?;
    keys::create_dir(folder)?;
    keys::create_files(folder)?;
    file.write(folder)?;
    Keys::load(folder)
}

/// Puts keys that are in files into the token.
pub(super) fn import(args: &Import, global: Global) -> Outcome {
    let loaded = Loaded::read(&args.config)?;
    let party = PartyId::parse(&loaded.config.party)?;
    let (from, folder) = (loaded.path(&args.from), loaded.path(&args.keys));
    ensure!(!folder.exists(), "{} is there already, and keys are never overwritten", folder.display());
    let (before, [log, cosign]) = (Keys::load(&from)?, keys::read_seeds(&from)?);
    let (token, file) = args.token.open(&party)?;
    token.import(&file.log_key, &log)?;
    token.import(&file.cosign_key, &cosign)?;
    keys::create_dir(&folder)?;
    keys::copy_files(&from, &folder)?;
    file.write(&folder)?;
    let (after, name) = (Keys::load(&folder)?, key_name(&party));
    let public = |keys: &Keys| -> Result<_> {
        Ok((keys.log_signer(&name)?.verifier().to_string(), keys.cosigner(&name)?.verifier().to_string()))
    };
    ensure!(public(&before)? == public(&after)?, "the token does not sign with the keys that were given to it");
    // Title and desk go with the keys.
    let words = format!("{party}.party");
    if from.join(&words).exists() {
        std::fs::copy(from.join(&words), folder.join(&words))?;
    }
    if global.json {
        println!(
            "{}",
            json!({ "keys": folder.display().to_string(), "log_key": file.log_key, "cosign_key": file.cosign_key })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "The log key is {:?}, the cosigning key {:?} in the token {:?}. Next: keys = {:?} in {}, and start the node again;\n\
         its peers notice nothing, for the keys are the same. {} still holds them in files: when all is well, put one copy into\n\
         a safe and destroy the rest. A key that was ever in a file is as secret as that file was.",
        file.log_key,
        file.cosign_key,
        file.token,
        args.keys.display().to_string(),
        args.config.display(),
        from.display()
    );
    Ok(ExitCode::SUCCESS)
}
