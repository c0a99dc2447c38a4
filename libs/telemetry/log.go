package telemetry

import (
	"fmt"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger returns a redacting logger. level is "debug", "info", "warn" or "error" ("" is info); format is "json", for
// machines and the default, or "console", for people. out is standard error when nil.
func Logger(level, format string, out zapcore.WriteSyncer) (*zap.Logger, error) {
	at := zapcore.InfoLevel
	if level != "" {
		if err := at.Set(level); err != nil {
			return nil, fmt.Errorf("log level: %w", err)
		}
	}
	encoder, err := encoderFor(format)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = zapcore.Lock(os.Stderr)
	}
	core := Redact(zapcore.NewCore(encoder, out, at))
	return zap.New(core, zap.ErrorOutput(out), zap.AddCaller(), zap.AddStacktrace(zapcore.DPanicLevel)), nil
}

func encoderFor(format string) (zapcore.Encoder, error) {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey = "at"
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	config.EncodeDuration = zapcore.StringDurationEncoder
	switch format {
	case "", "json":
		return zapcore.NewJSONEncoder(config), nil
	case "console":
		config.EncodeLevel = zapcore.CapitalLevelEncoder
		return zapcore.NewConsoleEncoder(config), nil
	}
	return nil, fmt.Errorf("log format: %q is neither json nor console", format)
}
