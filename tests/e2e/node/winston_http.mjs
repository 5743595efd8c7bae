// winston_http.mjs HOST PORT PATH COUNT: a service whose winston posts each line by its own Http transport; prints how many failed.
import winston from 'winston';

const [, , host, port, path, count] = process.argv;
const transport = new winston.transports.Http({ host, port: Number(port), path });
let logged = 0;
let failed = 0;
const answered = new Promise((done) => {
  const one = () => { if (logged + failed === Number(count)) done(); };
  transport.on('logged', () => { logged += 1; one(); });
  transport.on('warn', () => { failed += 1; one(); });
});
const log = winston.createLogger({
  format: winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true })),
  defaultMeta: { service: 'payment' },
  transports: [transport],
});
for (let n = 0; n < Number(count); n++) {
  if (n % 5 === 4) log.error(new Error(`card ${n} refused`));
  else log.info('payment taken', { n });
}
await answered;
console.log(failed);
