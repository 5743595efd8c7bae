// A page of metrics as prom-client serves it: argument 1 is "text" or "openmetrics". Prints its type and the page.
import client from "prom-client";

const registry = new client.Registry();
const open = process.argv[2] === "openmetrics";
if (open) registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
const requests = new client.Counter({ name: "node_requests_total", help: "Requests", labelNames: ["code"], registers: [registry], enableExemplars: open });
if (open) requests.inc({ labels: { code: "200" }, value: 7, exemplarLabels: { traceId: "abc" } });
else requests.inc({ code: "200" }, 7);
const seconds = new client.Histogram({ name: "node_seconds", help: "Latency", buckets: [0.1, 1, 5], registers: [registry] });
for (let i = 0; i < 10; i++) seconds.observe(i / 10);
new client.Summary({ name: "node_summary", help: "Latency", percentiles: [0.5], registers: [registry] }).observe(3);
new client.Gauge({ name: "node_gauge", help: "A \\ gauge\nof two lines", registers: [registry] }).set(-1.5);
console.log(registry.contentType);
process.stdout.write(await registry.metrics());
