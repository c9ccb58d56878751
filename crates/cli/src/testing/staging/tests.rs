use super::*;
use serde_json::json;

fn connection(text: &str) -> Option<Value> {
    let fixture = json!({ "api": { "get": { "/list": { "request": { "params": { "key": "k-1" } } } } } });
    Staging::of(text, &fixture).canned("getConnection")
}

#[test]
fn a_connection_is_read_in_every_way_that_tests_give_one() {
    let expected = Some(json!({ "connection_config": { "realm": "12", "list": [1, -2.5] } }));
    let literal = "{ connection_config: { realm: '12', \"list\": [1, -2.5,], }, /* the end */ }";
    for text in [
        format!("mock.getConnection = vi.fn().mockResolvedValue({literal});"),
        format!("mock.getConnection = vi.fn(async () => ({literal}));"),
        format!("mock.getConnection = vi.fn(() => Promise.resolve({literal}));"),
        format!("mock.getConnection = async () => {{ return {literal}; }};"),
        format!("mock.getConnection.mockReturnValue({literal});"),
        format!("vi.spyOn(mock, 'getConnection').mockResolvedValue({literal} as any);"),
        format!("const given = {literal};\nvi.spyOn(mock, 'getConnection').mockResolvedValue(given);"),
    ] {
        assert_eq!(connection(&text), expected, "{text}");
    }
}

#[test]
fn what_is_computed_is_left_alone_unless_it_is_of_the_fixture() {
    assert_eq!(
        connection("mock.getConnection.mockResolvedValue({ a: compute() });"),
        None
    );
    let text = "const data = JSON.parse(readFileSync(path, 'utf-8'));
            const key = data.api?.get?.['/list']?.request?.params?.key;
            mock.getConnection.mockResolvedValue({ credentials: { apiKey: key || 'other' } });";
    assert_eq!(connection(text), Some(json!({ "credentials": { "apiKey": "k-1" } })));
}

#[test]
fn clock_checkpoint_and_expected_failure_are_read() {
    let text = "vi.useFakeTimers(); vi.setSystemTime(new Date('2026-03-01T00:00:00Z'));
            (mock.getCheckpoint as any).mockResolvedValue({ cursor: 'c' });
            mock.getCheckpoint.mockResolvedValue({ cursor: 'c' });
            await expect(action.exec(mock, input)).rejects.toThrow('gone');";
    let staging = Staging::of(text, &Value::Null);
    assert_eq!(staging.now, Some(1_772_323_200_000));
    assert_eq!(staging.checkpoint, Some(json!({ "cursor": "c" })));
    assert!(staging.fails);
    let named = "const fixed = new Date('2026-03-01'); vi.setSystemTime(fixed);";
    assert_eq!(Staging::of(named, &Value::Null).now, Some(1_772_323_200_000));
    let both = format!("{text} expect(response).toEqual(await mock.getOutput());");
    assert!(!Staging::of(&both, &Value::Null).fails);
}
