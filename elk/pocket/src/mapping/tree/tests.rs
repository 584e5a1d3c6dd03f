use super::*;

fn mapping() -> Value {
    json!({"dynamic": "true", "properties": {
        "z": {"type": "long"},
        "a": {"properties": {"b": {"type": "text", "fields": {"keyword": {"type": "keyword"}}}}},
        "http.response.status_code": {"type": "short"},
    }})
}

#[test]
fn a_mapping_prints_as_it_was_read() {
    let parsed = Mapping::parse(&mapping(), MappingSettings::default()).unwrap();
    let mut expected = mapping();
    expected["properties"].as_object_mut().unwrap().remove("http.response.status_code");
    expected["properties"]["http"] =
        json!({"properties": {"response": {"properties": {"status_code": {"type": "short"}}}}});
    assert_eq!(parsed.render(), expected);
    assert_eq!(parsed.count(), 7);
}

#[test]
fn numbers_of_fields_survive_storing() {
    let mut first = Mapping::parse(&mapping(), MappingSettings::default()).unwrap();
    first.merge(&json!({"properties": {"a": {"properties": {"a": {"type": "date"}}}}})).unwrap();
    let second = Mapping::restore(&first.store(), MappingSettings::default()).unwrap();
    for field in &first.fields {
        assert_eq!(second.field(&field.path).unwrap().id, field.id, "{}", field.path);
        assert_eq!(second.by_id(field.id).path, field.path);
    }
}

#[test]
fn an_alias_is_another_name_of_a_field() {
    let source = json!({"properties": {
        "a": {"properties": {"other": {"type": "alias", "path": "z.long"}}},
        "z": {"properties": {"long": {"type": "long"}}},
    }});
    let parsed = Mapping::parse(&source, MappingSettings::default()).unwrap();
    let restored = Mapping::restore(&parsed.store(), MappingSettings::default()).unwrap();
    assert_eq!(restored.render(), source);
    assert_eq!(restored.field("a.other").unwrap().path, "z.long");
    let names: Vec<&str> = restored.names("*").map(|(name, _)| name).collect();
    assert_eq!(names, ["z.long", "a.other"]);
    assert_eq!(restored.count(), 4);
}

#[test]
fn an_alias_refers_to_a_field_that_is_there() {
    let refused = |source: Value| {
        Mapping::parse(&json!({"properties": source}), MappingSettings::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(json!({"a": {"type": "alias", "path": "b"}})),
        "Failed to parse mapping: Invalid [path] value [b] for field alias [a]: an alias must refer to an \
         existing field in the mappings."
    );
    assert!(
        refused(json!({"a": {"type": "alias", "path": "b"}, "b": {"type": "alias", "path": "a"}}))
            .ends_with("an alias cannot refer to another alias.")
    );
    assert!(refused(json!({"a": {"type": "alias"}})).contains("[path] property must be specified"));
}

#[test]
fn a_type_cannot_change() {
    let mut parsed = Mapping::parse(&mapping(), MappingSettings::default()).unwrap();
    let error = parsed.merge(&json!({"properties": {"z": {"type": "keyword"}}})).unwrap_err();
    assert_eq!(error.to_string(), "mapper [z] cannot be changed from type [long] to [keyword]");
}

#[test]
fn unknown_types_are_named() {
    let error =
        Mapping::parse(&json!({"properties": {"v": {"type": "dense_vector"}}}), MappingSettings::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "Failed to parse mapping: No handler for type [dense_vector] declared on field [v]"
    );
}
