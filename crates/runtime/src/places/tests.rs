use super::*;

/// `bundle.cjs` of two sources: line 1 is of `a/b.ts` line 10, line 2 begins there and goes on in `c.ts`.
fn code(sources: &str) -> Code {
    let map = format!(r#"{{"version":3,"sources":{sources},"names":["x"],"mappings":"AASA;AACA,ICTE,KAAA"}}"#);
    Code {
        hash: "h".into(),
        js: format!("one\ntwo two\n{INLINE}charset=utf-8;base64,{}\n", STANDARD.encode(map)),
        filename: "bundle.cjs".into(),
    }
}

#[test]
fn places_are_the_authors() {
    let code = code(r#"["../a/b.ts", "c.ts"]"#);
    let opening = BUNDLE_OPENING.len();
    let text = format!(
        "Error: no\n    at f (bundle.cjs:1:{})\n    at g (bundle.cjs:2:3)\n    at bundle.cjs:9:1",
        opening + 2
    );
    let expected = "Error: no\n    at f (a/b.ts:10:1)\n    at g (a/b.ts:11:1)\n    at bundle.cjs:9:1";
    assert_eq!(of_author(&text, &code), expected);
}

#[test]
fn json_stays_json() {
    for (source, shown) in [(r#"a\"\\/\u0007b.ts"#, "a\"\\/b.ts"), (r#"\"a\""#, "\"a\"")] {
        let code = code(&format!(r#"["{source}"]"#));
        let text = r#"{"stacktrace":["at f (bundle.cjs:2:1)"]}"#;
        let value: serde_json::Value = serde_json::from_str(&of_author_in_json(text, &code)).unwrap();
        assert_eq!(value["stacktrace"][0], format!("at f ({shown}:11:1)"));
    }
}

#[test]
fn places_are_found_in_any_order_and_their_number_is_limited() {
    let code = code(r#"["a.ts", "c.ts"]"#);
    let text = "bundle.cjs:2:6 ".repeat(PLACES_MAX / 2) + &"bundle.cjs:1:99 ".repeat(PLACES_MAX);
    let brought = of_author(&text, &code);
    let count = |what: &str| brought.matches(what).count();
    assert_eq!(
        (count("c.ts:2:3"), count("a.ts:10:1")),
        (PLACES_MAX / 2, PLACES_MAX / 2),
        "{brought}"
    );
    assert_eq!(count("bundle.cjs:1:99"), PLACES_MAX / 2);
}

#[test]
fn damaged_maps_change_nothing() {
    let text = "at f (bundle.cjs:1:90)";
    let with = |js: String| Code { js, ..code("[]") };
    for map in [
        String::new(),
        "not json".to_owned(),
        r#"{"sources":[],"mappings":"AAAA"}"#.to_owned(),
        r#"{"sources":["a.ts"],"mappings":"A!AA"}"#.to_owned(),
        r#"{"sources":["a.ts"],"mappings":"gggggggggggggA"}"#.to_owned(),
        r#"{"sources":["a.ts"],"mappings":"ADDD"}"#.to_owned(),
        r#"{"sources":[null],"mappings":"AAAA"}"#.to_owned(),
    ] {
        let js = format!("x\n{INLINE}base64,{}", STANDARD.encode(&map));
        assert_eq!(of_author(text, &with(js)), text, "{map}");
    }
    assert_eq!(of_author(text, &with("x".to_owned())), text);
    for odd in [
        "bundle.cjs",
        "bundle.cjs:",
        "bundle.cjs:1:",
        "bundle.cjs:1:x",
        "bundle.cjs:-1:2",
        "bundle.cjs:99999999999:1",
    ] {
        assert_eq!(of_author(odd, &code(r#"["a.ts"]"#)), odd);
    }
}
