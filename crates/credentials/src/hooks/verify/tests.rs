use super::*;

#[test]
fn the_text_of_an_answer_decides() {
    let cases = [
        (Verify::Apollo, 200, r#"{"is_logged_in":true}"#, true),
        (Verify::Apollo, 200, r#"{"is_logged_in":false}"#, false),
        (Verify::AzureDevops, 203, "", false),
        (Verify::Cdw, 400, "", true),
        (Verify::Cdw, 401, "", false),
        (
            Verify::Expensify,
            200,
            r#"{"responseMessage":"Authentication error"}"#,
            false,
        ),
        (Verify::Expensify, 200, r#"{"policyList":[]}"#, true),
        (Verify::Lastpass, 200, "Authorization Error", false),
        (Verify::PushpayChmsV1, 200, "<r><errors/></r>", false),
        (Verify::Skio, 200, r#"{"data":{"Orders":[]}}"#, true),
        (Verify::Skio, 200, r#"{"errors":[]}"#, false),
        (Verify::VantageApparel, 200, "<code>105</code>", false),
        (Verify::SnipeIt, 200, "", true),
    ];
    for (hook, status, text, wanted) in cases {
        assert_eq!(accepts(hook, status, text), wanted, "{hook:?} {status} {text}");
    }
}
