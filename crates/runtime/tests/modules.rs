//! `soap` and `unzipper`, against texts and archives that are made here; the peers' tests use real servers and tools.

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{Scripted, action, http, invocation, output, runtime};
use tenon_runtime::Kind;
use tenon_runtime::protocol::{HostCall, HostReply};

const WSDL: &str = r#"<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:people" targetNamespace="urn:people">
  <wsdl:types><xs:schema targetNamespace="urn:people" elementFormDefault="qualified"><xs:include schemaLocation="types.xsd"/>
    <xs:element name="Get"><xs:complexType><xs:sequence><xs:element name="id" type="xs:int"/><xs:element name="tag" type="xs:string" maxOccurs="unbounded"/><xs:element name="note" type="xs:string" form="unqualified"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="GetResponse"><xs:complexType><xs:sequence><xs:element name="person" type="t:Person" maxOccurs="unbounded"/><xs:element name="total" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
  </xs:schema></wsdl:types>
  <wsdl:message name="GetIn"><wsdl:part name="parameters" element="t:Get"/></wsdl:message>
  <wsdl:message name="GetOut"><wsdl:part name="parameters" element="t:GetResponse"/></wsdl:message>
  <wsdl:portType name="P"><wsdl:operation name="Get"><wsdl:input message="t:GetIn"/><wsdl:output message="t:GetOut"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="B" type="t:P"><soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/><wsdl:operation name="Get"><soap:operation soapAction="urn:get"/><wsdl:input><soap:body use="literal"/></wsdl:input></wsdl:operation></wsdl:binding>
  <wsdl:service name="People"><wsdl:port name="PeoplePort" binding="t:B"><soap:address location="https://soap.example/people"/></wsdl:port></wsdl:service>
</wsdl:definitions>"#;
const TYPES: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:people" elementFormDefault="qualified">
  <xs:complexType name="Person"><xs:sequence><xs:element name="name" type="xs:string"/><xs:element name="born" type="xs:date"/><xs:element name="active" type="xs:boolean"/><xs:element name="gone" type="xs:string" nillable="true"/></xs:sequence><xs:attribute name="key" type="xs:string"/></xs:complexType></xs:schema>"#;
const ANSWER: &str = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><s:Header><h>1</h></s:Header><s:Body><r:GetResponse xmlns:r="urn:people"><r:person key="k1"><r:name>A &amp; B</r:name><r:born>2000-01-02</r:born><r:active>true</r:active><r:gone i:nil="true"/></r:person><r:total>1</r:total></r:GetResponse></s:Body></s:Envelope>"#;
const FAULT: &str = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>no such person</faultstring><detail><e>7</e></detail></s:Fault></s:Body></s:Envelope>"#;

fn server(answer: &'static str, status: u16) -> Arc<Scripted> {
    Scripted::new(move |call| {
        let HostCall::Fetch(fetch) = call else {
            return Ok(HostReply::Unit);
        };
        let (status, text) = match fetch.url.as_str() {
            "https://soap.example/people?wsdl" => (200, WSDL),
            "https://soap.example/types.xsd" => (200, TYPES),
            _ => (status, answer),
        };
        Ok(HostReply::Http(http(status, text)))
    })
}

async fn run(host: &Arc<Scripted>, body: &str) -> Value {
    let body = format!(
        "try {{ return await (async () => {{ {body} }})(); }} catch (error) {{ return {{ failed: error.message }}; }}"
    );
    output(
        &runtime()
            .run(invocation(action(&body), Kind::Action, None), host.clone())
            .await,
    )
}

fn sent(host: &Scripted) -> (Vec<(String, String)>, String) {
    let calls = host.taken();
    match calls.last() {
        Some(HostCall::Fetch(fetch)) => (fetch.headers.clone(), fetch.body.clone().unwrap_or_default()),
        other => panic!("no request was sent: {other:?}"),
    }
}

const CLIENT: &str =
    "const soap = require('soap'); const client = await soap.createClientAsync('https://soap.example/people?wsdl');";

#[tokio::test]
async fn soap_calls_an_operation_with_its_types() {
    let host = server(ANSWER, 200);
    let body = format!(
        "{CLIENT} client.addHttpHeader('x-a', 'b'); client.addSoapHeader({{ Version: 3 }}, 'Head', 't', 'urn:people'); client.setSecurity(new soap.BasicAuthSecurity('u', 'p'));
        const [result, raw, header, request] = await client.GetAsync({{ attributes: {{ a: '<1>' }}, id: 5, tag: ['x', 'y'], note: null }});
        return [result, typeof raw, header, request === client.lastRequest, result.person[0].born instanceof Date, client.describe()];"
    );
    let result = run(&host, &body).await;
    assert_eq!(
        result[0],
        json!({ "person": [{ "attributes": { "key": "k1" }, "name": "A & B", "born": "2000-01-02T00:00:00.000Z", "active": true }], "total": 1 })
    );
    assert_eq!(result[2], json!({ "h": "1" }));
    assert_eq!((&result[3], &result[4]), (&json!(true), &json!(true)));
    assert_eq!(
        result[5],
        json!({ "People": { "PeoplePort": { "Get": {
            "input": { "id": "xs:int", "tag[]": "xs:string", "note": "xs:string" },
            "output": { "person[]": { "name": "xs:string", "born": "xs:date", "active": "xs:boolean", "gone": "xs:string" }, "total": "xs:int" } } } } })
    );
    let (headers, text) = sent(&host);
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("soapaction"), Some("\"urn:get\""));
    assert_eq!(header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(header("authorization"), Some("Basic dTpw"));
    assert_eq!(header("x-a"), Some("b"));
    assert_eq!(
        text,
        r#"<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:tns="urn:people"><soap:Header><t:Head xmlns:t="urn:people"><t:Version>3</t:Version></t:Head></soap:Header><soap:Body><tns:Get a="&lt;1&gt;"><tns:id>5</tns:id><tns:tag>x</tns:tag><tns:tag>y</tns:tag><note xsi:nil="true"/></tns:Get></soap:Body></soap:Envelope>"#
    );
}

#[tokio::test]
async fn soap_faults_and_refusals_are_errors() {
    let result = run(&server(FAULT, 500), &format!("{CLIENT} try {{ await client.GetAsync({{}}); }} catch (e) {{ return [e.message, e.root.Envelope.Body.Fault.faultstring, e.response.status, e instanceof Error]; }}")).await;
    assert_eq!(
        result,
        json!([r#"s:Client: no such person: {"e":"7"}"#, "no such person", 500, true])
    );
    let result = run(
        &server("<html>", 502),
        &format!("{CLIENT} return client.GetAsync({{}});"),
    )
    .await;
    assert_eq!(result["failed"], "Error http status codes: 502");
    let result = run(
        &server("<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", 200),
        &format!("{CLIENT} return client.GetAsync({{}});"),
    )
    .await;
    assert!(
        result["failed"]
            .as_str()
            .unwrap()
            .contains("document types are not accepted"),
        "{result}"
    );
    let result = run(
        &server("", 404),
        "return require('soap').createClientAsync('https://soap.example/other');",
    )
    .await;
    assert!(
        result["failed"].as_str().unwrap().contains("404 when loading the WSDL"),
        "{result}"
    );
    let result = run(
        &server("", 200),
        "return require('soap').createClientAsync('./file.wsdl');",
    )
    .await;
    assert!(
        result["failed"].as_str().unwrap().contains("functions have no files"),
        "{result}"
    );
    let result = run(
        &server("", 200),
        "new (require('soap').ClientSSLSecurity)('key', 'cert');",
    )
    .await;
    assert!(
        result["failed"].as_str().unwrap().contains("no client certificates"),
        "{result}"
    );
}

#[tokio::test]
async fn soap_security_headers_are_written() {
    let host = server(ANSWER, 200);
    run(&host, &format!("{CLIENT} client.setSecurity(new soap.WSSecurity('u<', 'secret', {{ passwordType: 'PasswordDigest', mustUnderstand: true }})); return client.GetAsync({{}});")).await;
    let (_, text) = sent(&host);
    for part in [
        "soap:mustUnderstand=\"1\"",
        "<wsse:Username>u&lt;</wsse:Username>",
        "#PasswordDigest\">",
        "<wsse:Nonce EncodingType=",
        "<wsu:Expires>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("secret"), "{text}");
    run(&host, &format!("{CLIENT} client.setEndpoint('https://other.example/'); client.setSecurity(new soap.BearerSecurity('tok')); return new Promise((done) => client.Get({{ id: 1 }}, (error, result) => done([error, result.total])));")).await;
    let (headers, _) = sent(&host);
    assert!(headers.contains(&("authorization".to_owned(), "Bearer tok".to_owned())));
    assert!(matches!(host.taken().last(), Some(HostCall::Fetch(fetch)) if fetch.url == "https://other.example/"));
}

/// `a.txt` stored and `d/` with nothing, as Info-ZIP writes them; made by hand so that parts can be broken.
fn archive() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for (name, content, crc) in [
        ("a.txt", "hello", 0x3610_a686u32),
        ("d/", "", 0),
        ("b", "b", 0x71be_eff9),
        ("c", "abc123", 0xcf02_bb5c),
    ] {
        let offset = bytes.len() as u32;
        let common = |out: &mut Vec<u8>| {
            out.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58]);
            out.extend(crc.to_le_bytes());
            out.extend((content.len() as u32).to_le_bytes());
            out.extend((content.len() as u32).to_le_bytes());
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0, 0]);
        };
        bytes.extend(b"PK\x03\x04");
        common(&mut bytes);
        bytes.extend(name.as_bytes());
        bytes.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        common(&mut directory);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x04\0\x04\0");
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

async fn unzip(bytes: &[u8], body: &str) -> Value {
    let body = format!(
        "const unzipper = require('unzipper'); const bytes = Buffer.from('{}', 'hex'); {body}",
        hex(bytes)
    );
    run(&Scripted::silent(), &body).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn unzipper_reads_archives_in_memory() {
    let result = unzip(&archive(), "const d = await unzipper.Open.buffer(bytes); return [d.files.map((f) => [f.path, f.type, f.uncompressedSize]), (await d.files[0].buffer()).toString() + (await d.files[3].buffer()), Buffer.isBuffer(await d.files[0].buffer())];").await;
    assert_eq!(
        result,
        json!([
            [
                ["a.txt", "File", 5],
                ["d/", "Directory", 0],
                ["b", "File", 1],
                ["c", "File", 6]
            ],
            "helloabc123",
            true
        ])
    );
    let result = unzip(&archive(), "const parse = unzipper.Parse(); const seen = []; parse.on('entry', (entry) => { if (entry.type === 'File') seen.push(entry.buffer()); else entry.autodrain(); }); parse.write(bytes.subarray(0, 40)); parse.end(bytes.subarray(40)); await parse.promise(); const all = []; for await (const entry of parse) for await (const part of entry.stream()) all.push(part.toString()); return [(await Promise.all(seen)).map(String), all];").await;
    assert_eq!(result, json!([["hello", "b", "abc123"], ["hello", "b", "abc123"]]));
}

#[tokio::test]
async fn unzipper_refuses_what_is_broken_or_not_there() {
    let whole = archive();
    let open = "const d = await unzipper.Open.buffer(bytes); return (await d.files[0].buffer()).toString();";
    let mut damaged = whole.clone();
    damaged[36] ^= 1;
    for (bytes, words) in [
        (b"not an archive at all, really not".to_vec(), "FILE_ENDED"),
        (whole[..whole.len() - 30].to_vec(), "FILE_ENDED"),
        (damaged, "checksum of a.txt is wrong"),
    ] {
        let result = unzip(&bytes, open).await;
        assert!(result["failed"].as_str().unwrap().contains(words), "{words}: {result}");
    }
    for (body, words) in [
        ("return unzipper.Open.file('/etc/x.zip');", "no file system"),
        ("return unzipper.Extract({ path: '/' });", "no file system"),
        ("return unzipper.Open.buffer('text');", "arraybuffer"),
    ] {
        let result = unzip(&whole, body).await;
        assert!(result["failed"].as_str().unwrap().contains(words), "{words}: {result}");
    }
    let result = run(&Scripted::silent(), "return require('botbuilder');").await;
    assert_eq!(result["failed"], "Module 'botbuilder' is not allowed");
}
