//! Elastic Common Schema, dotted or nested, as the ecs-logging libraries write it. Its names count in every other format too.

use super::{Field, Format, Key, Levels, Mark, PLAIN, Signature, Spec, Target, To};

pub(super) const SPEC: Spec = Spec {
    format: Format::Ecs,
    name: "ecs",
    signatures: &[
        Signature { all: &[], any: &[Mark::Text("ecs.version"), Mark::Object("ecs")], none: &[] },
        Signature {
            all: &[Mark::Text("@timestamp")],
            any: &[Mark::Text("log.level"), Mark::Object("log")],
            none: &["@version"],
        },
    ],
    signature_text: "`ecs.version`, or `@timestamp` with `log.level`",
    keys: &[],
    common_keys: false,
    ..PLAIN
};

/// Fields the agent fills itself; what a line says there is left over.
const OWN: [Target; 5] =
    [Target::LogFilePath, Target::LogOffset, Target::LogFlags, Target::EventCreated, Target::EventDataset];

/// Every ECS name a line may give, as a key.
pub(super) fn names() -> Vec<Key> {
    let own = OWN.map(Field::from);
    let given = Field::all().filter(|field| !field.is_metric() && !own.contains(field));
    given.map(|field| Key { path: field.path(), to: conversion(field) }).collect()
}

fn conversion(field: Field) -> To {
    const TIMESTAMP: Field = Field(Target::Timestamp as u16);
    const LEVEL: Field = Field(Target::LogLevel as u16);
    const VERSION: Field = Field(Target::EcsVersion as u16);
    match field {
        TIMESTAMP => To::Time,
        LEVEL => To::Level(Levels::Words),
        // The document is written in the agent's version of the schema.
        VERSION => To::Nothing,
        field => To::Field(field),
    }
}
