//! What a cluster should hold, made of the files in `elk/elasticsearch`.

use crate::SetupError;
use crate::cluster::{Cluster, Product, Security};
use crate::wish::{IndexMode, Wish};
use metric_names::METRICS;
use serde_json::{Value, json};

/// Name of index template, retention policy and data view.
pub const NAME: &str = "logs-app";
/// Priority of the index template: above the built-in 100, Filebeat's 150 and Fleet's 200.
pub const PRIORITY: u64 = 500;

const MAPPINGS: &str = "logs-app@mappings";
const SETTINGS: &str = "logs-app@settings";
const PIPELINE: &str = "logs-app@default";
const ROLE: &str = "logs-app-writer";

/// Settings of the Elasticsearch form that older versions do not know, and since when they are there.
const SETTINGS_SINCE: [(&str, (u32, u32)); 2] =
    [("index.mode", MODE_SINCE), ("index.mapping.total_fields.ignore_dynamic_beyond_limit", (8, 14))];
const MODE_SINCE: (u32, u32) = (8, 17);
/// Data stream lifecycle; before it an ILM policy does the same.
const LIFECYCLE_SINCE: (u32, u32) = (8, 14);

/// What kind of thing an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Index lifecycle management, Elasticsearch before 8.14.
    IlmPolicy,
    /// Index state management of OpenSearch.
    IsmPolicy,
    /// Ingest pipeline.
    Pipeline,
    /// Component template.
    Component,
    /// Index template.
    Template,
    /// Role.
    Role,
}

/// One thing in the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: &'static str,
    /// What it should be.
    pub body: Value,
}

impl Kind {
    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::IlmPolicy => "lifecycle policy",
            Self::IsmPolicy => "state management policy",
            Self::Pipeline => "ingest pipeline",
            Self::Component => "component template",
            Self::Template => "index template",
            Self::Role => "role",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::IlmPolicy => "_ilm/policy",
            Self::IsmPolicy => "_plugins/_ism/policies",
            Self::Pipeline => "_ingest/pipeline",
            Self::Component => "_component_template",
            Self::Template => "_index_template",
            Self::Role => "_security/role",
        }
    }

    /// The right that making, changing and removing one takes.
    pub const fn privilege(self) -> &'static str {
        match self {
            Self::IlmPolicy => "manage_ilm",
            Self::IsmPolicy => "cluster:admin/opendistro/ism/policy/*",
            Self::Pipeline => "manage_ingest_pipelines",
            Self::Component | Self::Template => "manage_index_templates",
            Self::Role => "manage_security",
        }
    }

    /// Of what a cluster answers to a look at `name`: the part that was once put.
    pub(crate) fn found(self, name: &str, answer: &Value) -> Value {
        match self {
            Self::IlmPolicy => json!({"policy": answer[name]["policy"]}),
            Self::IsmPolicy => json!({"policy": answer["policy"]}),
            Self::Pipeline | Self::Role => answer[name].clone(),
            Self::Component => answer["component_templates"][0]["component_template"].clone(),
            Self::Template => answer["index_templates"][0]["index_template"].clone(),
        }
    }

    /// Parts that are ours alone: what is found there and not wanted is a difference. Elsewhere servers add defaults.
    pub(crate) const fn owned(self) -> &'static [&'static str] {
        match self {
            Self::Component | Self::Template => &["template.mappings", "template.settings"],
            Self::Pipeline => &["processors"],
            Self::Role => &["indices", "cluster"],
            Self::IlmPolicy | Self::IsmPolicy => &[],
        }
    }
}

impl Object {
    /// Path of the object in the cluster's API.
    pub fn target(&self) -> String {
        format!("/{}/{}", self.kind.path(), self.name)
    }

    /// Its name for people.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.title(), self.name)
    }
}

/// Everything a cluster should hold, each behind what it refers to. Fails where the wish asks for what this one lacks.
pub fn objects(cluster: &Cluster, wish: &Wish) -> Result<Vec<Object>, SetupError> {
    let mut objects = Vec::new();
    match retention(cluster) {
        RetentionBy::Ilm => objects.push(ilm_policy(wish)),
        RetentionBy::Ism => objects.push(ism_policy(wish)),
        RetentionBy::Template | RetentionBy::Nobody => {}
    }
    objects.push(pipeline(cluster));
    objects.push(Object { kind: Kind::Component, name: MAPPINGS, body: mappings() });
    objects.push(Object { kind: Kind::Component, name: SETTINGS, body: settings(cluster, wish)? });
    objects.push(Object { kind: Kind::Template, name: NAME, body: template(cluster, wish) });
    if cluster.security == Security::Elasticsearch {
        objects.push(Object { kind: Kind::Role, name: ROLE, body: role(wish) });
    }
    Ok(objects)
}

/// Who deletes old events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionBy {
    /// The data stream lifecycle in the index template.
    Template,
    /// An ILM policy.
    Ilm,
    /// An ISM policy.
    Ism,
    /// Nobody: the plugin is missing.
    Nobody,
}

/// Who deletes old events in this cluster.
pub fn retention(cluster: &Cluster) -> RetentionBy {
    match cluster.product {
        Product::Elasticsearch if since(cluster, LIFECYCLE_SINCE) => RetentionBy::Template,
        Product::Elasticsearch => RetentionBy::Ilm,
        Product::OpenSearch if cluster.index_management => RetentionBy::Ism,
        Product::OpenSearch => RetentionBy::Nobody,
    }
}

fn since(cluster: &Cluster, (major, minor): (u32, u32)) -> bool {
    cluster.is_elasticsearch_since(major, minor)
}

fn file(text: &str) -> Value {
    serde_json::from_str(text).expect("the files in elk/elasticsearch are JSON: a test reads them all")
}

/// The fields of an event: those of the file, and every known metric.
pub fn mappings() -> Value {
    let mut body = file(include_str!("../../elasticsearch/mappings.json"));
    let properties = &mut body["template"]["mappings"]["properties"];
    for metric in METRICS {
        properties[metric.name] = json!({"type": metric.kind.field_type()});
    }
    body
}

fn settings(cluster: &Cluster, wish: &Wish) -> Result<Value, SetupError> {
    let mut body = file(match cluster.product {
        Product::Elasticsearch => include_str!("../../elasticsearch/settings.json"),
        Product::OpenSearch => include_str!("../../elasticsearch/settings-opensearch.json"),
    });
    let settings = body["template"]["settings"].as_object_mut().expect("settings are an object");
    settings.retain(|name, _| {
        let known = SETTINGS_SINCE.iter().find(|(setting, _)| setting == name);
        known.is_none_or(|(_, version)| since(cluster, *version))
    });
    if wish.index_mode == IndexMode::Logsdb {
        let Some(mode) = settings.get_mut("index.mode") else {
            let found = format!("{cluster} has no index mode logsdb");
            return Err(SetupError::Impossible {
                found,
                remedy: "leave out --logsdb, or upgrade to Elasticsearch 8.17",
            });
        };
        *mode = json!("logsdb");
    }
    if retention(cluster) == RetentionBy::Ilm {
        settings.insert("index.lifecycle.name".to_owned(), json!(NAME));
    }
    Ok(body)
}

fn template(cluster: &Cluster, wish: &Wish) -> Value {
    let mut body = file(match cluster.product {
        Product::Elasticsearch => include_str!("../../elasticsearch/index-template.json"),
        Product::OpenSearch => include_str!("../../elasticsearch/index-template-opensearch.json"),
    });
    body["index_patterns"] = json!(wish.patterns());
    match retention(cluster) {
        RetentionBy::Template => {
            body["template"]["lifecycle"]["data_retention"] = json!(wish.retention.to_string());
        }
        RetentionBy::Ilm | RetentionBy::Ism | RetentionBy::Nobody => {
            body.as_object_mut().expect("a template is an object").remove("template");
        }
    }
    body
}

/// Without scripts the lag cannot be computed; what can be stored is.
fn pipeline(cluster: &Cluster) -> Object {
    let mut body = file(include_str!("../../elasticsearch/pipeline.json"));
    if !cluster.scripts {
        let processors = body["processors"].as_array_mut().expect("processors are a list");
        processors.retain(|processor| processor.get("script").is_none());
    }
    Object { kind: Kind::Pipeline, name: PIPELINE, body }
}

fn ilm_policy(wish: &Wish) -> Object {
    let mut body = file(include_str!("../../elasticsearch/retention-ilm.json"));
    body["policy"]["phases"]["delete"]["min_age"] = json!(wish.retention.to_string());
    Object { kind: Kind::IlmPolicy, name: NAME, body }
}

fn ism_policy(wish: &Wish) -> Object {
    let mut body = file(include_str!("../../elasticsearch/retention-ism.json"));
    let policy = &mut body["policy"];
    policy["states"][0]["transitions"][0]["conditions"]["min_rollover_age"] =
        json!(wish.retention.to_string());
    policy["ism_template"][0]["index_patterns"] = json!(wish.patterns());
    Object { kind: Kind::IsmPolicy, name: NAME, body }
}

/// What the agent may do: the role, and the same again in its API key.
pub fn role(wish: &Wish) -> Value {
    let mut body = file(include_str!("../../elasticsearch/role.json"));
    body["indices"][0]["names"] = json!(wish.patterns());
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Version;
    use crate::wish::Retention;

    fn cluster(product: Product, major: u32, minor: u32) -> Cluster {
        Cluster {
            url: "http://es:9200".into(),
            product,
            version: Version::new(major, minor),
            security: Security::Elasticsearch,
            scripts: true,
            index_management: product == Product::OpenSearch,
        }
    }

    fn body(objects: &[Object], kind: Kind, name: &str) -> Option<Value> {
        objects
            .iter()
            .find(|object| object.kind == kind && object.name == name)
            .map(|object| object.body.clone())
    }

    fn all(cluster: &Cluster, wish: &Wish) -> Vec<Object> {
        objects(cluster, wish).unwrap()
    }

    #[test]
    fn both_forms_of_the_settings_agree_in_what_both_engines_know() {
        let mut elasticsearch = file(include_str!("../../elasticsearch/settings.json"));
        let settings = elasticsearch["template"]["settings"].as_object_mut().unwrap();
        settings.retain(|name, _| SETTINGS_SINCE.iter().all(|(setting, _)| setting != name));
        assert_eq!(elasticsearch, file(include_str!("../../elasticsearch/settings-opensearch.json")));
    }

    #[test]
    fn the_strict_role_lacks_the_two_rights_that_only_a_rollover_needs() {
        let mut role = file(include_str!("../../elasticsearch/role.json"));
        role["indices"][0]["privileges"] = json!(["create_doc", "auto_configure"]);
        assert_eq!(role, file(include_str!("../../elasticsearch/role-strict.json")));
    }

    #[test]
    fn every_metric_has_the_type_of_the_table() {
        let mappings = mappings();
        for metric in METRICS {
            let field = &mappings["template"]["mappings"]["properties"][metric.name];
            assert_eq!(field["type"], metric.kind.field_type(), "{}", metric.name);
        }
    }

    #[test]
    fn older_versions_get_only_what_they_know() {
        let wish = Wish { retention: Retention::parse("30d").unwrap(), ..Wish::default() };
        for (minor, mode, beyond_limit, lifecycle) in [
            (9, false, false, false),
            (13, false, false, false),
            (14, false, true, true),
            (17, true, true, true),
        ] {
            let objects = all(&cluster(Product::Elasticsearch, 8, minor), &wish);
            let settings = body(&objects, Kind::Component, SETTINGS).unwrap();
            let has = |name: &str| settings["template"]["settings"].get(name).is_some();
            assert_eq!(has("index.mode"), mode, "8.{minor}");
            assert_eq!(
                has("index.mapping.total_fields.ignore_dynamic_beyond_limit"),
                beyond_limit,
                "8.{minor}"
            );
            assert_eq!(has("index.lifecycle.name"), !lifecycle, "8.{minor}");
            let template = body(&objects, Kind::Template, NAME).unwrap();
            assert_eq!(template["template"]["lifecycle"]["data_retention"] == "30d", lifecycle, "8.{minor}");
            let policy = body(&objects, Kind::IlmPolicy, NAME);
            assert_eq!(
                policy.is_some_and(|policy| policy["policy"]["phases"]["delete"]["min_age"] == "30d"),
                !lifecycle
            );
        }
    }

    #[test]
    fn opensearch_gets_a_policy_of_its_own_and_nothing_it_does_not_know() {
        let wish = Wish { datasets: vec!["nginx".into()], ..Wish::default() };
        let mut cluster = Cluster { security: Security::None, ..cluster(Product::OpenSearch, 2, 19) };
        let objects = all(&cluster, &wish);
        let template = body(&objects, Kind::Template, NAME).unwrap();
        assert_eq!(template["index_patterns"], json!(["logs-app-*", "logs-app.*-*", "logs-nginx-*"]));
        assert!(
            template.get("template").is_none()
                && template.get("ignore_missing_component_templates").is_none()
        );
        let policy = body(&objects, Kind::IsmPolicy, NAME).unwrap();
        assert_eq!(policy["policy"]["ism_template"][0]["index_patterns"], template["index_patterns"]);
        assert_eq!(body(&objects, Kind::Role, ROLE), None);
        cluster.index_management = false;
        assert_eq!(body(&all(&cluster, &wish), Kind::IsmPolicy, NAME), None);
    }

    #[test]
    fn logsdb_needs_a_version_that_has_it() {
        let wish = Wish { index_mode: IndexMode::Logsdb, ..Wish::default() };
        let settings =
            body(&all(&cluster(Product::Elasticsearch, 9, 0), &wish), Kind::Component, SETTINGS).unwrap();
        assert_eq!(settings["template"]["settings"]["index.mode"], "logsdb");
        for old in [cluster(Product::Elasticsearch, 8, 16), cluster(Product::OpenSearch, 2, 19)] {
            assert!(matches!(objects(&old, &wish), Err(SetupError::Impossible { .. })));
        }
    }

    #[test]
    fn without_scripts_the_pipeline_only_stamps() {
        let cluster = Cluster { scripts: false, ..cluster(Product::Elasticsearch, 8, 19) };
        let pipeline = body(&all(&cluster, &Wish::default()), Kind::Pipeline, PIPELINE).unwrap();
        assert_eq!(pipeline["processors"].as_array().unwrap().len(), 1);
        assert_eq!(pipeline["processors"][0]["set"]["field"], "event.ingested");
    }

    #[test]
    fn role_and_templates_name_the_same_streams() {
        let wish = Wish { datasets: vec!["nginx".into()], ..Wish::default() };
        let objects = all(&cluster(Product::Elasticsearch, 8, 19), &wish);
        let role = body(&objects, Kind::Role, ROLE).unwrap();
        assert_eq!(
            role["indices"][0]["names"],
            body(&objects, Kind::Template, NAME).unwrap()["index_patterns"]
        );
    }
}
