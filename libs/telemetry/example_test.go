package telemetry_test

import (
	"errors"
	"fmt"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/telemetry"
)

func Example() {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg"})
	log := zap.New(telemetry.Redact(zapcore.NewCore(encoder, zapcore.AddSync(os.Stdout), zap.InfoLevel)))

	log.Info("checked", zap.String("ref", "0193a1b2-0000-7000-8000-000000000001"), zap.String("guest_name", "An"))
	log.Warn("no answer for 079203001234", telemetry.Err(errors.New("bearer 1f8e7d6c5b4a is not known")))
	log.Info("arrived", zap.Any("who", struct{ FullName string }{"An"}))
	fmt.Println(telemetry.Denied("birthDate"), telemetry.Denied("handler_name"))
	// Output:
	// {"msg":"checked","ref":"0193a1b2-0000-7000-8000-000000000001","guest_name":"***"}
	// {"msg":"no answer for ***","error":"bearer *** is not known"}
	// {"msg":"arrived","who":"refused: struct { FullName string }"}
	// true false
}
