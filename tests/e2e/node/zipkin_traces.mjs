// A call through Zipkin's client, both of its sides: zipkin_traces.mjs URL; prints the trace id.
import zipkin from 'zipkin';
import transport from 'zipkin-transport-http';

const [url] = process.argv.slice(2);
const { Annotation, BatchRecorder, ExplicitContext, jsonEncoder, Tracer } = zipkin;
// Each side is a program of its own, with a recorder of its own.
const tracer = (name) => new Tracer({ ctxImpl: new ExplicitContext(), recorder: new BatchRecorder({ logger: new transport.HttpLogger(
  { endpoint: url + '/api/v2/spans', jsonEncoder: jsonEncoder.JSON_V2, httpInterval: 50 }) }), localServiceName: name });
const client = tracer('frontend');
const server = tracer('backend');
const id = client.createRootId();

function record(who, annotations) {
  who.letId(id, () => annotations.forEach((a) => who.recordAnnotation(a)));
}
record(client, [new Annotation.ServiceName('frontend'), new Annotation.Rpc('get'), new Annotation.BinaryAnnotation('http.path', '/api'),
  new Annotation.ClientSend()]);
record(server, [new Annotation.ServiceName('backend'), new Annotation.Rpc('get'), new Annotation.ServerRecv(), new Annotation.ServerSend()]);
record(client, [new Annotation.ClientRecv()]);
// The recorder sends what is complete at its interval; its timers keep the program alive until then.
setTimeout(() => process.exit(0), 1500);
console.log(id.traceId);
