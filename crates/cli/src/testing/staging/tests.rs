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
        format!("const given: any = {literal};\nmock.getConnection = vi.fn().mockResolvedValue(given);"),
        format!("(mock.getConnection as any).mockResolvedValue({literal});"),
        format!("mock.getConnection = vi.fn(async function () {{ return <any>{literal}; }});"),
        format!("mock.getConnection = async (_key: string) => {{ const a = 1; return {literal} as const; }};"),
        format!("Object.assign(mock, {{ getConnection: async () => ({literal}) }});"),
        format!("// mock.getConnection = async () => ({{ old: 1 }});\nmock.getConnection = async () => ({literal});"),
        "const PRE = '1'; mock.getConnection = async () => ({ ['connection_config']: { ...{ realm: `${PRE}2` }, list: [1, -2.5] } });".to_owned(),
        r#"mock.getConnection.mockResolvedValue(JSON.parse('{"connection_config":{"realm":"12","list":[1,-2.5]}}'));"#.to_owned(),
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
    for moment in [
        "vi.useFakeTimers({ now: new Date('2026-03-01T00:00:00Z') });",
        "const FIXED = Date.UTC(2026, 2, 1); vi.setSystemTime(FIXED);",
        "vi.setSystemTime(new Date(2026, 2, 1, 0, 0, 0));",
        "vi.spyOn(Date, 'now').mockImplementation(() => new Date('2026-03-01').valueOf());",
    ] {
        assert_eq!(
            Staging::of(moment, &Value::Null).now,
            Some(1_772_323_200_000),
            "{moment}"
        );
    }
    let started = "mock.checkpoint = { at: 1 }; mock.lastSyncDate = new Date('2026-03-01');";
    let started = Staging::of(started, &Value::Null);
    assert_eq!(started.checkpoint, Some(json!({ "at": 1 })));
    assert_eq!(started.last_sync.as_deref(), Some("2026-03-01T00:00:00.000Z"));
    let named = "const fixed = new Date('2026-03-01'); vi.setSystemTime(fixed);";
    assert_eq!(Staging::of(named, &Value::Null).now, Some(1_772_323_200_000));
    let both = format!("{text} expect(response).toEqual(await mock.getOutput());");
    assert!(!Staging::of(&both, &Value::Null).fails);
}

#[test]
fn what_a_test_compares_is_read() {
    let of = |text: &str| Staging::of(text, &Value::Null);
    let get = "const output = await mock.getOutput();";
    assert_eq!(
        of(&format!("{get} expect(response).toEqual(output);")).comparison,
        Comparison::Whole
    );
    assert_eq!(
        of(&format!("{get} expect(response).toMatchObject(output);")).comparison,
        Comparison::Part
    );
    assert_eq!(
        of(&format!("{get} expect(response.id).toBe(output.id);")).comparison,
        Comparison::Nothing
    );
    assert_eq!(
        of("expect(mock.get).not.toHaveBeenCalled();").comparison,
        Comparison::Nothing
    );
    let failing = of("try { await action.exec(mock, input); } catch (error) { expect(error).toBeDefined(); }");
    assert!(failing.fails);
    let models = of("new NangoSyncMock({ dirname, name: 'users', Model: 'User, Group' })").models;
    assert_eq!(models, Some(vec!["User".to_owned(), "Group".to_owned()]));
    let listed = of("const models = ['User', 'Group']; new NangoSyncMock({ name: 'users', Model: models.join(',') })");
    assert_eq!(listed.models, models);
    let odd = of("mock.getConnection = buildConnection(mock);");
    assert_eq!(odd.unread, ["getConnection"]);
}

#[test]
fn values_of_the_fixture_are_read_through_the_mock() {
    let fixture = json!({ "nango": { "getMetadata": { "tenant": "t-1" } }, "input": { "id": 7 } });
    let text = "mock.getConnection = async () => { const metadata: any = await mock.getMetadata(); const input = await mock.getInput();
            return { connection_config: { tenant: metadata.tenant, id: input.id, same: (await mock.getMetadata()).tenant } }; };";
    assert_eq!(
        Staging::of(text, &fixture).canned("getConnection"),
        Some(json!({ "connection_config": { "tenant": "t-1", "id": 7, "same": "t-1" } }))
    );
}
