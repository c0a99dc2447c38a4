package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

const hidden = "***"

// Plain is opened personal data. It cannot be printed, logged or marshalled by accident: all of that gives "***". Even
// where fmt or a logger walks through a struct by reflection it finds a function, not bytes.
type Plain struct {
	open func() []byte
}

// Decode reads the data into target. Its error never quotes the data.
func (p Plain) Decode(target any) error {
	if p.open == nil {
		return errors.New("decode personal data: nothing was read")
	}
	if err := json.Unmarshal(p.open(), target); err != nil {
		return fmt.Errorf("decode personal data: it is not of the shape of %T", target)
	}
	return nil
}

// String returns "***".
func (Plain) String() string { return hidden }

// GoString returns "***".
func (Plain) GoString() string { return hidden }

// MarshalJSON writes "***".
func (Plain) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText writes "***".
func (Plain) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalLogObject writes "***".
func (Plain) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("plain", hidden)
	return nil
}

// LogValue returns "***".
func (Plain) LogValue() slog.Value { return slog.StringValue(hidden) }
