// The `soap` module of functions next to the package of that name: the same code, against the same server.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { action, fixture, install, tenon, trigger, write } from '../support/packages.mjs';
import { startServer, temporaryFolder } from '../support/server.mjs';
import { connectShop, startShop } from '../support/shop.mjs';

const wsdl = (address) => `<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:staff" targetNamespace="urn:staff">
  <wsdl:types><xs:schema targetNamespace="urn:staff" elementFormDefault="qualified">
    <xs:complexType name="Base"><xs:sequence><xs:element name="id" type="xs:int"/></xs:sequence></xs:complexType>
    <xs:simpleType name="Level"><xs:restriction base="xs:string"><xs:enumeration value="junior"/><xs:enumeration value="senior"/></xs:restriction></xs:simpleType>
    <xs:complexType name="Worker"><xs:complexContent><xs:extension base="t:Base"><xs:sequence>
      <xs:element name="name" type="xs:string"/><xs:element name="level" type="t:Level" minOccurs="0"/><xs:element name="salary" type="xs:decimal" minOccurs="0"/>
      <xs:element name="active" type="xs:boolean"/><xs:element name="since" type="xs:dateTime"/><xs:element name="skill" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="manager" type="t:Worker" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
    <xs:element name="GetWorkers"><xs:complexType><xs:sequence><xs:element name="filter" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="name" type="xs:string"/><xs:element name="ids" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element><xs:element name="page" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="GetWorkersResponse"><xs:complexType><xs:sequence><xs:element name="worker" type="t:Worker" maxOccurs="unbounded"/><xs:element name="total" type="xs:int"/><xs:element name="echo" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
    <xs:element name="Fail"><xs:complexType><xs:sequence/></xs:complexType></xs:element><xs:element name="FailResponse"><xs:complexType><xs:sequence/></xs:complexType></xs:element>
  </xs:schema></wsdl:types>
  <wsdl:message name="GetWorkersIn"><wsdl:part name="parameters" element="t:GetWorkers"/></wsdl:message><wsdl:message name="GetWorkersOut"><wsdl:part name="parameters" element="t:GetWorkersResponse"/></wsdl:message>
  <wsdl:message name="FailIn"><wsdl:part name="parameters" element="t:Fail"/></wsdl:message><wsdl:message name="FailOut"><wsdl:part name="parameters" element="t:FailResponse"/></wsdl:message>
  <wsdl:portType name="StaffType"><wsdl:operation name="GetWorkers"><wsdl:input message="t:GetWorkersIn"/><wsdl:output message="t:GetWorkersOut"/></wsdl:operation><wsdl:operation name="Fail"><wsdl:input message="t:FailIn"/><wsdl:output message="t:FailOut"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="StaffBinding" type="t:StaffType"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="GetWorkers"><soap:operation soapAction="urn:GetWorkers"/><wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>
    <wsdl:operation name="Fail"><soap:operation soapAction="urn:Fail"/><wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation></wsdl:binding>
  <wsdl:service name="Staff"><wsdl:port name="StaffPort" binding="t:StaffBinding"><soap:address location="${address}"/></wsdl:port></wsdl:service>
</wsdl:definitions>`;

const HEAD = "import * as soap from 'soap';";
const client = "const client = await soap.createClientAsync(`${input.url}?wsdl`);";
const cases = {
    workers: `${client} const [result] = await client.GetWorkersAsync({ filter: { name: 'Ä & <b>', ids: [1, 2] }, page: 3 }); return [result, result.worker[0].since instanceof Date];`,
    secured: `${client} client.setSecurity(new soap.WSSecurity('user', 'secret', { passwordType: 'PasswordText', hasTimeStamp: false, hasTokenCreated: false })); client.addHttpHeader('x-tenant', 'acme'); client.addSoapHeader({ 't:Version': 'v45' }); const [result, , header] = await client['GetWorkersAsync']({ page: 1 }); return [JSON.parse(result.echo), header ?? null];`,
    basic: `${client} client.setSecurity(new soap.BasicAuthSecurity('u', 'p')); const [result] = await client.GetWorkersAsync({ page: 1 }); return JSON.parse(result.echo).authorization;`,
    bearer: `${client} client.setSecurity(new soap.BearerSecurity('token')); client.setEndpoint(input.url + '?other'); const [result] = await client.GetWorkersAsync({ page: 1 }); return JSON.parse(result.echo).authorization;`,
    port: `${client} return new Promise((resolve, reject) => client.Staff.StaffPort.GetWorkers({ page: 4 }, (error, result) => error ? reject(error) : resolve(result.total)));`,
    callback: `return new Promise((resolve, reject) => soap.createClient(input.url + '?wsdl', (error, client) => error ? reject(error) : client.GetWorkers({ page: 9 }, (error, result) => error ? reject(error) : resolve(result.total))));`,
    fault: `${client} try { await client.FailAsync({}); return 'no error'; } catch (error) { return [error.message, error.root.Envelope.Body.Fault.faultstring, error.response.status]; }`,
    described: `${client} return [Object.keys(client.describe().Staff.StaffPort), client.describe().Staff.StaffPort.GetWorkers.input.page];`
};

let server;
let shop;
let upstream;
let project;

before(async () => {
    await install();
    const soap = createRequire(path.join(fixture, 'package.json'))('soap');
    upstream = createServer((request, response) => response.writeHead(404).end());
    await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    upstream.address_ = `http://127.0.0.1:${upstream.address().port}/staff`;
    const worker = { id: 7, name: 'Ann & Bob', level: 'senior', salary: 12.5, active: true, since: '2024-02-29T12:00:00.000Z', skill: ['a', 'b'], manager: { id: 1, name: 'Eve', active: false, since: '2020-01-01T00:00:00.000Z' } };
    const service = {
        Staff: {
            StaffPort: {
                GetWorkers: (args, callback, headers, request) => ({
                    worker: [worker],
                    total: args.page,
                    echo: JSON.stringify({ args, headers, authorization: request.headers.authorization, tenant: request.headers['x-tenant'], action: request.headers.soapaction })
                }),
                Fail: () => {
                    throw { Fault: { faultcode: 'soap:Client', faultstring: 'nobody here', detail: { reason: 'gone' }, statusCode: 500 } };
                }
            }
        }
    };
    soap.listen(upstream, '/staff', service, wsdl(upstream.address_));
    [shop, server, project] = await Promise.all([startShop(), startServer(), temporaryFolder('tenon-soap-')]);
    await connectShop(server, shop, 'c-1');
    await cp(fixture, project, { recursive: true, verbatimSymlinks: true });
    await write(project, Object.fromEntries(Object.entries(cases).map(([name, body]) => [name, action(HEAD, body)])));
    const done = await tenon(server, project, 'deploy', 'dev', '--auto-confirm', '--no-typecheck', '--json');
    assert.equal(done.code, 0, done.stdout + done.stderr);
});

after(async () => {
    upstream.close();
    assert.equal(server.panicked(), false);
    await server.stop();
    await shop.close();
});

for (const [name, body] of Object.entries(cases)) {
    test(`${name}: as with the package`, async () => {
        const file = path.join(project, `node-${name}.mjs`);
        await writeFile(file, `import soap from 'soap';\nexport default async (input) => { ${body} };\n`);
        const input = { url: upstream.address_ };
        const expected = JSON.parse(JSON.stringify(await (await import(pathToFileURL(file))).default(input)));
        const found = await trigger(server, name, input);
        if (name === 'workers' || name === 'secured') assert.ok(found[0], JSON.stringify(found));
        assert.deepEqual(found, expected);
    });
}
