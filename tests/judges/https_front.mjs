// node https_front.mjs UPSTREAM CERTIFICATE [HOST PATH COOKIE GATEWAY]
//
// The proxy of a usual deployment, for one test: https before the plain HTTP server at UPSTREAM,
// telling it `X-Forwarded-Proto: https`, and a redirect for who comes by plain HTTP, both on one
// port. Makes a throw-away certificate for 127.0.0.1, writes it to CERTIFICATE (PEM), and prints its
// URL.
//
// Graders look at the page at `/` alone, and know no names of this machine. If it is told to, it asks
// as HOST, for PATH instead of `/`, with COOKIE, and has a policy speak of https where it speaks of the
// simulated GATEWAY: those in earnest are reached by it.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";

const [upstream, certificatePath, host, path, cookie, gateway] = process.argv.slice(2);
const { key, certificate } = selfSigned();
fs.writeFileSync(certificatePath, certificate);

const proxy = https.createServer({ key, cert: certificate }, (request, response) => {
  const headers = { ...request.headers, "x-forwarded-proto": "https" };
  if (host) headers.host = host;
  if (cookie) headers.cookie = cookie;
  const wanted = path && request.url === "/" ? path : request.url;
  const passed = http.request(new URL(wanted, upstream), { method: request.method, headers });
  passed.on("response", (answer) => {
    const lines = answer.rawHeaders.map((text) => (gateway ? text.replace(gateway, "https://gateway.example") : text));
    response.writeHead(answer.statusCode, lines);
    answer.pipe(response);
  });
  passed.on("error", (error) => response.writeHead(502).end(String(error)));
  request.pipe(passed);
});

const redirector = http.createServer((request, response) => {
  response.writeHead(301, { location: `https://${request.headers.host}${request.url}` }).end();
});

// A TLS connection opens with a record of type 22.
const front = net.createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (first) => {
    socket.pause();
    socket.unshift(first);
    (first[0] === 22 ? proxy : redirector).emit("connection", socket);
    process.nextTick(() => socket.resume());
  });
});

front.listen(0, "127.0.0.1", () => {
  console.log(`https://127.0.0.1:${front.address().port}`);
});

// A certificate for 127.0.0.1, good for two days, in DER by hand: Node can sign but not write a
// certificate, and this way the tests need no other tool.
function selfSigned() {
  const der = (tag, ...parts) => {
    const body = Buffer.concat(parts);
    const { length } = body;
    const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
    return Buffer.concat([Buffer.from([tag, ...size]), body]);
  };
  const sequence = (...parts) => der(0x30, ...parts);
  const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
  const bits = (bytes) => der(0x03, Buffer.from([0]), bytes);
  const inDays = (days) => {
    const text = new Date(Date.now() + days * 86_400_000).toISOString();
    return der(0x17, Buffer.from(`${text.replace(/[-:T]/g, "").slice(2, 14)}Z`));
  };

  const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from("throw-away test")))));
  const onlyThisAddress = sequence(oid("551d11"), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1])))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1]), crypto.randomBytes(8)), // serial number
    ecdsaWithSha256,
    name,
    sequence(inDays(-1), inDays(1)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(onlyThisAddress)),
  );
  const signed = sequence(body, ecdsaWithSha256, bits(crypto.sign("sha256", body, privateKey)));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    certificate: `-----BEGIN CERTIFICATE-----\n${signed.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  };
}
