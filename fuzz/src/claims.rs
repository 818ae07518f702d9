//! Claims and the tables that they are about, as the fuzz target `claim` checks them.

use spinney_checker::{Claim, Memory, check, edge_rows};
use spinney_model::FloatModel;

const MODEL: &[u8] = br#"{"format":"spinney-model","version":1,"kind":"random-forest",
    "features":[{"name":"a"},{"name":"b"}],"classes":["p","q"],"trees":[{"nodes":[
    {"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},
    {"feature":1,"threshold":2.5,"left":3,"right":4},{"value":[0,1]},{"value":[0.5,0.5]}]},
    {"nodes":[{"value":[0.25,0.75]}]}]}"#;

/// A claim in JSON about a model of two trees; and behind a line of `--` each, its tables.
pub fn claim(bytes: &[u8]) {
    let _ = Memory::of_elf(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Memory::of_header(text, "model");
    }
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(4).position(|it| it == b"\n--\n") {
        parts.push(rest[..at].to_vec());
        rest = &rest[at + 4..];
    }
    parts.push(rest.to_vec());
    let mut parts = parts.into_iter();
    let claim = parts.next().unwrap_or_default();
    let Ok(claim) = serde_json::from_slice::<Claim>(&claim) else {
        return;
    };
    let model = FloatModel::from_json(MODEL).expect("a model");
    let names = ["NODES", "STARTS", "LEAVES", "CODINGS", "CUTS", "TERMS"];
    let memory = Memory::of_tables(names.into_iter().zip(parts));
    let digest = claim.model.clone();
    let _ = check(&model, &digest, &claim, &memory, &[1.0, 2.0, 3.0, 4.0]);
    let _ = edge_rows(&model, &claim, Some(&model), &[1.0, 2.0], 20);
}
