import static net.logstash.logback.argument.StructuredArguments.keyValue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.encoder.Encoder;
import co.elastic.logging.logback.EcsEncoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.logstash.logback.encoder.LogstashEncoder;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Says the same things through the JSON encoders of logback. */
public final class Samples {
    public static void main(String[] arguments) throws IOException {
        Path root = Path.of(arguments[0]);
        LogstashEncoder logstash = new LogstashEncoder();
        logstash.setIncludeCallerData(true);
        say(root.resolve("logback/made_encoder.log"), logstash);
        EcsEncoder ecs = new EcsEncoder();
        ecs.setServiceName("shop");
        say(root.resolve("ecs/made_java.log"), ecs);
    }

    private static void say(Path place, Encoder<ILoggingEvent> encoder) throws IOException {
        Files.createDirectories(place.getParent());
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        encoder.setContext(context);
        encoder.start();
        FileAppender<ILoggingEvent> appender = new FileAppender<>();
        appender.setContext(context);
        appender.setName(place.toString());
        appender.setFile(place.toString());
        appender.setAppend(false);
        appender.setEncoder(encoder);
        appender.start();
        Logger log = context.getLogger("shop.Db");
        log.setLevel(Level.TRACE);
        log.addAppender(appender);

        MDC.put("said_ms", Long.toString(System.currentTimeMillis()));
        log.trace("said at trace");
        log.debug("said at debug");
        MDC.put("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
        log.info("said at info");
        MDC.remove("trace_id");
        log.warn("said at warn");
        log.error("said at error");
        if (encoder instanceof LogstashEncoder) {
            log.info("took 3 ms", keyValue("duration_ms", 3));
        }
        log.error("failed", new IOException("db timeout"));
        MDC.clear();
        context.stop();
    }
}
