use super::*;

const TEMPLATE: FunctionTemplate = FunctionTemplate {
    provider: "acme",
    folder: "syncs",
    name: "things",
    source: "source",
    fixtures: &[("things.test.json", "{}")],
};

#[test]
fn a_template_is_written_listed_once_and_never_over_changes() {
    let project = tempfile::tempdir().unwrap();
    let dir = project.path();
    std::fs::write(dir.join("index.ts"), "// functions").unwrap();
    for _ in 0..2 {
        let added = add(dir, &TEMPLATE, "acme-eu", false).unwrap();
        assert_eq!(added.function, "acme-eu/syncs/things.ts");
        assert_eq!(added.fixtures, ["acme-eu/tests/things.test.json"]);
        assert!(added.listed);
    }
    let index = std::fs::read_to_string(dir.join("index.ts")).unwrap();
    assert_eq!(index, "// functions\nimport './acme-eu/syncs/things.js';\n");

    std::fs::write(dir.join("acme-eu/syncs/things.ts"), "mine").unwrap();
    let refused = add(dir, &TEMPLATE, "acme-eu", false).unwrap_err().to_string();
    assert!(refused.contains("acme-eu/syncs/things.ts"), "{refused}");
    let read = || std::fs::read_to_string(dir.join("acme-eu/syncs/things.ts")).unwrap();
    assert_eq!(read(), "mine");
    add(dir, &TEMPLATE, "acme-eu", true).unwrap();
    assert_eq!(read(), "source");
    assert!(add(dir, &TEMPLATE, "../out", false).is_err());
}
