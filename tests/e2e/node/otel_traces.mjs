// A failed order through the OpenTelemetry SDK: otel_traces.mjs URL; prints the trace id.
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [url] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: url + '/v1/traces' });
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'node-shop', 'host.name': 'h1' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer('shop', '1.0');
const order = tracer.startSpan('place order', { kind: SpanKind.SERVER, attributes: { goal: true, order: 7 } });
const inside = trace.setSpan(context.active(), order);
const charge = tracer.startSpan('charge card', { kind: SpanKind.CLIENT, attributes: { goal: true } }, inside);
charge.recordException(new Error('no answer'));
charge.setStatus({ code: SpanStatusCode.ERROR, message: 'gateway: no answer' });
charge.end();
order.setAttributes({ outcome: 'failed' });
order.setStatus({ code: SpanStatusCode.ERROR });
order.end();
await provider.forceFlush();
await provider.shutdown();
console.log(order.spanContext().traceId);
