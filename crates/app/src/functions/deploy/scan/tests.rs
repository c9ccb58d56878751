use super::calls_constructor;

#[test]
fn calls_are_found() {
    for js in [
        "x.constructor(\"return process\")();",
        "x . constructor ('a')",
        "(() => {}).constructor('return 1')()",
        "a?.constructor(b)",
        "a.b.constructor.constructor('x')",
        "[].map.constructor(`x`)",
        "renew.constructor('x')",
        "f().constructor('x')",
    ] {
        assert!(calls_constructor(js), "{js}");
    }
}

#[test]
fn other_uses_are_allowed() {
    for js in [
        "class A extends B { constructor() { super(); } }",
        "new this.constructor(options)",
        "new a.b.constructor (1)",
        "super.constructor(1)",
        "a.constructor === Object",
        "// x.constructor('a')\nok()",
        "/* x.constructor('a') */",
        "const text = \"x.constructor('a')\";",
        "const t = `x.constructor(1)`;",
        "a.constructorName('x')",
        "a.myconstructor('x')",
        "",
    ] {
        assert!(!calls_constructor(js), "{js}");
    }
}
