// Shop COUNT: a service that logs with logback, as the configuration of -Dlogback.configurationFile says.
import static net.logstash.logback.argument.StructuredArguments.kv;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

public class Shop {
    public static void main(String[] args) {
        Logger log = LoggerFactory.getLogger("com.shop.Cart");
        MDC.put("request_id", "req-42");
        for (int n = 0; n < Integer.parseInt(args[0]); n++) {
            if (n % 5 == 4) {
                log.error("order {} failed", n, new IllegalStateException("no stock for item " + n));
            } else {
                log.info("order placed", kv("n", n));
            }
        }
        ((ch.qos.logback.classic.LoggerContext) LoggerFactory.getILoggerFactory()).stop();
    }
}
