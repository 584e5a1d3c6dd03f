// Says the same things through the JSON loggers of Go.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/pkg/errors"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/pkgerrors"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	took    = 3 * time.Millisecond
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
)

var errTimeout = errors.New("db timeout")

func main() {
	root := os.Args[1]
	write(root, "zap", "production", func(out io.Writer) { sayZap(out, zap.NewProductionEncoderConfig()) })
	write(root, "zap", "development", func(out io.Writer) { sayZap(out, zap.NewDevelopmentEncoderConfig()) })
	write(root, "zerolog", "default", sayZerolog)
	write(root, "zerolog", "unix_ms", func(out io.Writer) {
		zerolog.TimeFieldFormat = zerolog.TimeFormatUnixMs
		sayZerolog(out)
	})
	write(root, "logrus", "plain", func(out io.Writer) { sayLogrus(out, false) })
	write(root, "logrus", "caller", func(out io.Writer) { sayLogrus(out, true) })
	write(root, "slog", "plain", func(out io.Writer) { saySlog(out, false) })
	write(root, "slog", "source", func(out io.Writer) { saySlog(out, true) })
}

func write(root, format, name string, say func(io.Writer)) {
	folder := filepath.Join(root, format)
	must(os.MkdirAll(folder, 0o755))
	file, err := os.Create(filepath.Join(folder, "made_"+name+".log"))
	must(err)
	say(file)
	must(file.Close())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func now() int64 { return time.Now().UnixMilli() }

func sayZap(out io.Writer, config zapcore.EncoderConfig) {
	core := zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.AddSync(out), zapcore.DebugLevel)
	log := zap.New(core, zap.AddCaller(), zap.AddStacktrace(zapcore.ErrorLevel)).Named("shop")
	log.Debug("said at debug", zap.Int64("said_ms", now()))
	log.Info("said at info", zap.Int64("said_ms", now()), zap.String("trace_id", traceID))
	log.Warn("said at warn", zap.Int64("said_ms", now()))
	log.Error("said at error", zap.Int64("said_ms", now()))
	log.Info("took 3 ms", zap.Duration("took", took), zap.Int64("said_ms", now()))
	log.Error("failed", zap.Error(errTimeout), zap.Int64("said_ms", now()))
}

func sayZerolog(out io.Writer) {
	zerolog.ErrorStackMarshaler = pkgerrors.MarshalStack
	log := zerolog.New(out).With().Timestamp().Caller().Logger()
	log.Trace().Int64("said_ms", now()).Msg("said at trace")
	log.Debug().Int64("said_ms", now()).Msg("said at debug")
	log.Info().Int64("said_ms", now()).Str("trace_id", traceID).Msg("said at info")
	log.Warn().Int64("said_ms", now()).Msg("said at warn")
	log.Error().Int64("said_ms", now()).Msg("said at error")
	log.WithLevel(zerolog.FatalLevel).Int64("said_ms", now()).Msg("said at fatal")
	log.Info().Dur("took", took).Int64("said_ms", now()).Msg("took 3 ms")
	log.Error().Stack().Err(errTimeout).Int64("said_ms", now()).Msg("failed")
}

func sayLogrus(out io.Writer, caller bool) {
	log := logrus.New()
	log.SetOutput(out)
	log.SetFormatter(&logrus.JSONFormatter{})
	log.SetLevel(logrus.TraceLevel)
	log.SetReportCaller(caller)
	log.WithField("said_ms", now()).Trace("said at trace")
	log.WithField("said_ms", now()).Debug("said at debug")
	log.WithFields(logrus.Fields{"said_ms": now(), "trace_id": traceID}).Info("said at info")
	log.WithField("said_ms", now()).Warn("said at warn")
	log.WithField("said_ms", now()).Error("said at error")
	log.WithFields(logrus.Fields{"said_ms": now(), "took": took}).Info("took 3 ms")
	log.WithError(errTimeout).WithField("said_ms", now()).Error("failed")
}

func saySlog(out io.Writer, source bool) {
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{AddSource: source, Level: slog.LevelDebug}))
	log.Debug("said at debug", "said_ms", now())
	log.Info("said at info", "said_ms", now(), "trace_id", traceID)
	log.Log(context.Background(), slog.LevelInfo+2, "said at info", "said_ms", now())
	log.Warn("said at warn", "said_ms", now())
	log.Error("said at error", "said_ms", now())
	log.Info("took 3 ms", "took", took, "said_ms", now())
	log.Error("failed", "err", errTimeout, "said_ms", now())
}
