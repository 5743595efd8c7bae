// winston_lines.mjs COUNT: what a service that logs JSON with winston writes to its standard output.
import winston from 'winston';

const log = winston.createLogger({
  level: 'debug',
  format: winston.format.combine(winston.format.timestamp(), winston.format.errors({ stack: true }), winston.format.json()),
  defaultMeta: { service: 'payment' },
  transports: [new winston.transports.Console()],
});
for (let n = 0; n < Number(process.argv[2]); n++) {
  if (n % 5 === 4) log.error(new Error(`card ${n} refused`));
  else log.info('payment taken', { n, amount: n });
}
