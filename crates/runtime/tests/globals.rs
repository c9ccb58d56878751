//! Buffer, URL, text, timers, crypto, modules: compared with what Node answers.

mod support;

use serde_json::{Value, json};
use support::*;
use tenon_runtime::Kind;

async fn eval(body: &str) -> Value {
    output(
        &runtime()
            .run(invocation(action(body), Kind::Action, None), Scripted::silent())
            .await,
    )
}

#[tokio::test]
async fn buffers() {
    let body = r"
        const b = Buffer.from('héllo €');
        return [
            b.toString('base64'), b.toString('hex'), b.toString('base64url'), b.length, Buffer.byteLength('é'),
            Buffer.from('aGk=', 'base64').toString(), Buffer.from('aGk', 'base64url').toString(), Buffer.from('a-_/ \n9', 'base64').toString('hex'),
            Buffer.from('68697a', 'hex').toString(), Buffer.from('68zz', 'hex').length, Buffer.from('ÿ', 'binary')[0], Buffer.from([255]).toString('latin1'),
            Buffer.from('hi', 'utf16le').toString('hex'), Buffer.concat([Buffer.from('a'), Buffer.from('bc')]).toString(), Buffer.alloc(3, 1).toString('hex'),
            Buffer.isBuffer(b), Buffer.isBuffer(new Uint8Array(1)), b.subarray(0, 1).toString(), Buffer.isBuffer(b.subarray(1)), b.slice(-3).toString(),
            JSON.stringify(Buffer.from('hi')), Buffer.from('a').equals(Buffer.from('a')), Buffer.compare(Buffer.from('a'), Buffer.from('b')), Buffer.from('abcabc').indexOf('ca'),
            Buffer.from(new Uint8Array([1, 2]).buffer).length, Buffer.from({ type: 'Buffer', data: [104] }).toString(), Buffer.from([1, 2, 3, 4]).readUInt32BE(0), Buffer.from('é').toString('utf8', 0, 1).length,
            b instanceof Uint8Array, Array.isArray([...b]), Buffer.from('test').includes('es'), Buffer.alloc(4).fill('ab').toString(), Buffer.from([0xff, 0xfe]).toString()
        ];";
    assert_eq!(
        eval(body).await,
        json!([
            "aMOpbGxvIOKCrA==",
            "68c3a96c6c6f20e282ac",
            "aMOpbGxvIOKCrA",
            10,
            2,
            "hi",
            "hi",
            "6befff",
            "hiz",
            1,
            255,
            "ÿ",
            "68006900",
            "abc",
            "010101",
            true,
            false,
            "h",
            true,
            "€",
            "{\"type\":\"Buffer\",\"data\":[104,105]}",
            true,
            -1,
            2,
            2,
            "h",
            16_909_060,
            1,
            true,
            true,
            true,
            "abab",
            "\u{fffd}\u{fffd}"
        ])
    );
}

#[tokio::test]
async fn urls() {
    let body = r"
        const u = new URL('../b?x=1&y=é#h', 'https://user:p%40ss@Example.com:8443/a/c');
        const first = [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash];
        u.searchParams.append('z', 'a b&c'); u.searchParams.delete('x'); u.pathname = '/new path'; u.port = '443'; u.hash = '';
        const p = new URLSearchParams([['a', '1'], ['b', '2'], ['a', '3']]);
        p.sort(); const q = new URLSearchParams('?k=v+w&k=%26'); q.set('k', 'one'); q.append('é', '');
        let bad; try { new URL('nonsense'); } catch (e) { bad = [e.name, e.message, e.code]; }
        return [first, u.href, p.toString(), p.getAll('a'), [...p.keys()], q.toString(), q.has('k'), q.size, bad, URL.canParse('x:y'), URL.canParse('/x'), String(new URLSearchParams({ a: 1, b: true })), JSON.stringify({ u: new URL('http://x.example') }), new URL('http://x.example?a=1').searchParams.get('a'), Object.fromEntries(new URLSearchParams('a=1&b=2'))];";
    assert_eq!(
        eval(body).await,
        json!([
            ["https://user:p%40ss@example.com:8443/b?x=1&y=%C3%A9#h", "https://example.com:8443", "https:", "user", "p%40ss", "example.com:8443", "example.com", "8443", "/b", "?x=1&y=%C3%A9", "#h"],
            "https://user:p%40ss@example.com/new%20path?y=%C3%A9&z=a+b%26c", "a=1&a=3&b=2", ["1", "3"], ["a", "a", "b"], "k=one&%C3%A9=", true, 2,
            ["TypeError", "Invalid URL", "ERR_INVALID_URL"], true, false, "a=1&b=true", "{\"u\":\"http://x.example/\"}", "1", { "a": "1", "b": "2" }
        ])
    );
}

#[tokio::test]
async fn text_and_clones() {
    let body = r"
        const d = new Date(5), m = new Map([[{ a: 1 }, new Set([1])]]);
        const c = structuredClone({ d, m, n: [1, , 3], u: undefined, b: new Uint8Array([1, 2]), r: /x/gi, e: new RangeError('r') });
        const cyc = {}; cyc.self = cyc; const cc = structuredClone(cyc);
        let refused; try { structuredClone(() => {}); } catch (e) { refused = e.name; }
        return [[...new TextEncoder().encode('é')], new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), btoa('hi'), atob('aGk='), c.d instanceof Date && c.d !== d, [...c.m.values()][0].has(1), 1 in c.n, c.b[1], c.r.flags, c.e.message, cc.self === cc, refused, typeof queueMicrotask, new TextDecoder('latin1').decode(new Uint8Array([233])), escape('é'), 'ab'.localeCompare('b')];";
    assert_eq!(
        eval(body).await,
        json!([
            [195, 169],
            "a",
            "aGk=",
            "hi",
            true,
            true,
            false,
            2,
            "gi",
            "r",
            true,
            "DataCloneError",
            "function",
            "é",
            "%E9",
            -1
        ])
    );
}

#[tokio::test]
async fn timers() {
    let body = r"
        const order = []; const id = setTimeout(() => order.push('never'), 5); clearTimeout(id);
        setTimeout((a) => order.push(a), 20, 'late'); setTimeout(() => order.push('early'), 1); queueMicrotask(() => order.push('micro'));
        await new Promise((resolve) => { let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); order.push('interval'); resolve(); } }, 10); });
        const begun = Date.now(); await new Promise((r) => setTimeout(r, 50));
        const c = new AbortController(); let heard; c.signal.addEventListener('abort', () => { heard = true; }); c.abort();
        return [order.slice(0, 3), order.includes('never'), Date.now() - begun >= 49, c.signal.aborted, heard, c.signal.reason.name];";
    assert_eq!(
        eval(body).await,
        json!([["micro", "early", "late"], false, true, true, true, "AbortError"])
    );
}

#[tokio::test]
async fn hashes_and_random() {
    let body = r"
        const crypto = require('crypto'), same = require('node:crypto');
        const uuid = crypto.randomUUID();
        return [
            crypto === same, crypto.default === crypto,
            ...['md5', 'sha1', 'sha256', 'SHA-512'].map((a) => crypto.createHash(a).update('a').update(Buffer.from('bc')).digest('hex').slice(0, 16)),
            crypto.createHmac('sha256', 'key').update('The quick brown fox jumps over the lazy dog').digest('hex').slice(0, 16),
            crypto.createHmac('md5', Buffer.from('k'.repeat(100))).update('x').digest('base64'),
            /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid), uuid !== crypto.randomUUID(),
            crypto.randomBytes(16).length, crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a')), crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('b')),
            Buffer.isBuffer(crypto.createHash('sha1').update('x').digest()), Math.random() !== Math.random(), crypto.randomInt(5, 6)
        ];";
    assert_eq!(
        eval(body).await,
        json!([
            true,
            true,
            "900150983cd24fb0",
            "a9993e364706816a",
            "ba7816bf8f01cfea",
            "ddaf35a193617aba",
            "f7bc83f430538424",
            "KRfjF4MjMLqnK3c6eUGihg==",
            true,
            true,
            16,
            true,
            false,
            true,
            true,
            5
        ])
    );
    let body = "const c = require('crypto'); try { c.createHash('nope'); } catch (e) { return e.message; }";
    assert_eq!(eval(body).await, json!("Digest method not supported"));
}

#[tokio::test]
async fn two_isolates_draw_different_numbers() {
    let rt = runtime();
    let draw = async || {
        output(
            &rt.run(
                invocation(action("return [Math.random(), Math.random()];"), Kind::Action, None),
                Scripted::silent(),
            )
            .await,
        )
    };
    assert_ne!(draw().await, draw().await);
}

#[tokio::test]
async fn modules() {
    let body = r"
        const { z } = require('zod'); const ns = require('zod'); const url = require('url'); const { Buffer: B } = require('node:buffer');
        const schema = z.object({ id: z.string(), when: z.iso.datetime().optional(), tags: z.array(z.enum(['a', 'b'])).default([]), mail: z.email().nullish() });
        const bad = schema.safeParse({ id: 1, mail: 'x' });
        let refused; try { require('axios'); } catch (e) { refused = e.message; }
        return [ns.z === z || typeof ns.z.object, typeof ns.default.object, schema.parse({ id: 'x' }), bad.success, bad.error.issues.map((i) => i.code + ':' + i.path.join('.') + ':' + i.message), z.toJSONSchema(schema).required, z.coerce.number().parse('5'), new url.URL('http://a.example').host, B === Buffer, refused, z.string().uuid().safeParse('x').success, z.discriminatedUnion('t', [z.object({ t: z.literal('a') })]).parse({ t: 'a' })];";
    assert_eq!(
        eval(body).await,
        json!([true, "function", { "id": "x", "tags": [] }, false, ["invalid_type:id:Invalid input: expected string, received number", "invalid_format:mail:Invalid email address"], ["id", "tags"], 5, "a.example", true, "Module 'axios' is not allowed", false, { "t": "a" }])
    );
}

#[tokio::test]
async fn signatures() {
    let rsa = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output();
    let Ok(rsa) = rsa.map(|out| String::from_utf8(out.stdout).unwrap_or_default()) else {
        return; // openssl is only the source of a key here
    };
    let key = serde_json::to_string(&rsa).expect("text");
    let body = format!(
        "const s = require('crypto').createSign('RSA-SHA256').update('data').sign({key}, 'base64'); return [s.length, require('crypto').createSign('RSA-SHA256').update('data').sign({key}, 'base64') === s];"
    );
    assert_eq!(eval(&body).await, json!([344, true]));
}

#[tokio::test]
async fn locales() {
    // Compared with Node in UTC; other languages and zones are not there.
    let body = r"
        const day = new Date('2024-01-05T10:04:09z'); const night = new Date('2024-12-31T00:05:09Z');
        return [
            ['b', 'a', 'C', 'ä', 'z', 'A', '_id', '10', '9', '-x', 'Éa', 'résumé', 'resume', 'a b', 'ab'].sort((x, y) => x.localeCompare(y)),
            ['item 10', 'item 9', 'Item 2'].sort(new Intl.Collator(undefined, { numeric: true }).compare), 'a'.localeCompare('Á', 'en', { sensitivity: 'base' }), 'a'.localeCompare('a'),
            (1234567.891).toLocaleString(), (0.5).toLocaleString('en-US', { minimumFractionDigits: 2 }), (-1234.5).toLocaleString('en-US', { style: 'currency', currency: 'USD' }), (1.005).toLocaleString('en-US', { maximumFractionDigits: 2 }), (0.256).toLocaleString('en-US', { style: 'percent' }),
            day.toLocaleString(), day.toLocaleDateString('en-US'), day.toLocaleTimeString('en-US'), day.toLocaleDateString('en-CA'), day.toLocaleDateString('en-GB'), night.toLocaleString('en-US', { hour: '2-digit', minute: '2-digit', hour12: false }),
            day.toLocaleDateString('en-US', { year: 'numeric', month: 'long', day: 'numeric' }), day.toLocaleDateString('en-US', { weekday: 'short', month: 'short', day: '2-digit' }), night.toLocaleString('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }),
            new Intl.DateTimeFormat('en-US', { month: '2-digit', day: '2-digit', year: 'numeric' }).format(day), new Intl.NumberFormat('en-US').format(1e6), Intl.DateTimeFormat().resolvedOptions().timeZone, String(day), day.getTime() === Date.parse('2024-01-05T10:04:09z'), String(new Date(NaN).toLocaleString())
        ];";
    assert_eq!(
        eval(body).await,
        json!([
            [
                "_id", "-x", "10", "9", "a", "A", "ä", "a b", "ab", "b", "C", "Éa", "resume", "résumé", "z"
            ],
            ["Item 2", "item 9", "item 10"],
            0,
            0,
            "1,234,567.891",
            "0.50",
            "-$1,234.50",
            "1.01",
            "26%",
            "1/5/2024, 10:04:09 AM",
            "1/5/2024",
            "10:04:09 AM",
            "2024-01-05",
            "05/01/2024",
            "00:05",
            "January 5, 2024",
            "Fri, Jan 05",
            "Dec 31, 2024, 12:05 AM",
            "01/05/2024",
            "1,000,000",
            "UTC",
            "Fri Jan 05 2024 10:04:09 GMT+0000 (Coordinated Universal Time)",
            true,
            "Invalid Date"
        ])
    );
}

#[tokio::test]
async fn time_zones() {
    // Compared with Node 24. The spring of 2024 in New York and Lord Howe (half an hour), Kolkata, and far from both ends.
    let body = r"
        const at = (text, timeZone, options) => new Date(text).toLocaleString('en-US', { timeZone, ...options });
        const zone = { timeZoneName: 'short' };
        const fails = (work) => { try { return work(); } catch (e) { return `${e.name}: ${e.message}`; } };
        return [
            at('2024-03-10T06:59:59Z', 'America/New_York', zone), at('2024-03-10T07:00:00Z', 'America/New_York', zone), at('2024-11-03T06:00:00Z', 'america/new_york', zone),
            at('2024-01-01T00:00:00Z', 'Asia/Kolkata', zone), at('2024-10-05T15:30:00Z', 'Australia/Lord_Howe', zone), at('2024-07-01T12:00:00Z', 'Europe/Paris', { ...zone, hour12: false }),
            at('2050-07-01T12:00:00Z', 'Europe/Berlin'), at('1950-07-01T12:00:00Z', 'America/Chicago'), at('2024-01-01T00:30:00Z', '+05:30'), at('2024-01-01T00:30:00Z', 'Pacific/Honolulu', { timeZoneName: 'longOffset' }),
            new Date('2024-01-01T02:00:00Z').toLocaleDateString('en-CA', { timeZone: 'America/Los_Angeles' }), new Date('2024-06-01T02:00:00Z').toLocaleTimeString('en-GB', { timeZone: 'Europe/London' }),
            Object.fromEntries(new Intl.DateTimeFormat('en-US', { timeZone: 'Asia/Tokyo', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).formatToParts(new Date('2023-12-31T20:01:02Z')).filter((part) => part.type !== 'literal').map((part) => [part.type, part.value])),
            new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'US/Pacific' }).formatToParts(0).map((part) => part.value).join('|'),
            new Intl.DateTimeFormat('en-US', { timeZone: 'europe/paris' }).resolvedOptions().timeZone,
            fails(() => at(0, 'Mars/Base')), fails(() => new Intl.DateTimeFormat('en-US', { timeZone: '../etc/passwd' })), fails(() => at(0, 'Europe/Paris', { timeZoneName: 'longGeneric' })), fails(() => new Intl.DateTimeFormat().format(NaN))
        ];";
    assert_eq!(
        eval(body).await,
        json!([
            "3/10/2024, 1:59:59 AM EST",
            "3/10/2024, 3:00:00 AM EDT",
            "11/3/2024, 1:00:00 AM EST",
            "1/1/2024, 5:30:00 AM GMT+5:30",
            "10/6/2024, 2:30:00 AM GMT+11",
            "7/1/2024, 14:00:00 GMT+2",
            "7/1/2050, 2:00:00 PM",
            "7/1/1950, 7:00:00 AM",
            "1/1/2024, 6:00:00 AM",
            "12/31/2023, 2:30:00 PM GMT-10:00",
            "2023-12-31",
            "03:00:00",
            { "month": "01", "day": "01", "year": "2024", "hour": "05", "minute": "01", "second": "02" },
            "Dec| |31|, |1969|, |4|:|00|\u{202f}|PM",
            "Europe/Paris",
            "RangeError: Invalid time zone specified: Mars/Base",
            "RangeError: Invalid time zone specified: ../etc/passwd",
            "RangeError: timeZoneName: 'longGeneric' is not available for Europe/Paris; use 'short', 'long', 'shortOffset' or 'longOffset'",
            "RangeError: Invalid time value"
        ])
    );
}

/// The engine's own bounds, which are lower than those of Node.
#[tokio::test]
async fn recursion_and_spread_go_far_enough() {
    let body = r"
        const depth = (n) => (n === 0 ? 0 : 1 + depth(n - 1));
        const wait = async (n) => (n === 0 ? 0 : 1 + (await wait(n - 1)));
        const tree = (n) => (n === 0 ? [] : [n, ...[n - 1].flatMap((below) => tree(below))]);
        const beyond = (call) => { try { call(); } catch (error) { return error.message; } };
        return [
            depth(4000), await wait(1500), tree(1000).length, Math.max(...Array.from({ length: 60_000 }, (_, i) => i)),
            beyond(() => depth(1e6)), beyond(() => Math.max(...new Array(70_000).fill(1)))
        ];";
    assert_eq!(
        eval(body).await,
        json!([
            4000,
            1500,
            1000,
            59_999,
            "Maximum call stack size exceeded",
            "too many arguments in function call (only 65535 allowed)"
        ])
    );
}
