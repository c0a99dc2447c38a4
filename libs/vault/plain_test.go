package vault_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/vault"
)

// careless is a struct that keeps what it read where no method is found by fmt.
type careless struct {
	plain  vault.Plain
	Public vault.Plain
	many   map[vault.Ref]vault.Plain
}

func TestPlainCannotLeakByAccident(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	got, err := h.Read(t.Context(), reading(), row.Ref)
	if err != nil {
		t.Fatal(err)
	}
	plain := got[row.Ref]
	kept := &careless{plain, plain, got}
	text := &bytes.Buffer{}
	for _, value := range []any{plain, &plain, got, kept, *kept, []vault.Plain{plain}, error(wrapped{plain})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%t", "%p", "%T"} {
			fmt.Fprintf(text, verb+"\n", value)
		}
		encoded, _ := json.Marshal(value)
		text.Write(encoded)
		encoded, _ = xml.Marshal(value)
		text.Write(encoded)
		_ = gob.NewEncoder(text).Encode(value)
		slog.New(slog.NewTextHandler(text, nil)).Info("read", "value", value)
		slog.New(slog.NewJSONHandler(text, nil)).Info("read", "value", value)
		bare := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(text), zap.DebugLevel))
		bare.Info("read", zap.Any("value", value), zap.Reflect("raw", value))
		bare.Sugar().Infow("read", "value", value)
		_ = template.Must(template.New("").Parse("{{.}}\n")).Execute(text, value)
	}
	data, _ := json.Marshal(tuyet())
	for _, secret := range []string{
		"Tuyết", tuyet().Phone, "Tuy\\u1ebft", fmt.Sprintf("%x", tuyet().Phone), strings.Trim(fmt.Sprint(string(data[:8])), "[]"), fmt.Sprintf("%x", data[:8]),
	} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%q leaked", secret)
		}
	}
	if n := strings.Count(text.String(), "***"); n < 40 {
		t.Errorf("only %d times hidden: %s", n, text)
	}
}

type wrapped struct{ plain vault.Plain }

func (w wrapped) Error() string { return fmt.Sprint("cannot use ", w.plain) }

func TestDecodeNeverQuotesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, map[string]any{"number": 79190001234, "name": tuyet().Name}, vault.Index{}, time.Time{})
	got, err := h.Read(t.Context(), reading(), row.Ref)
	if err != nil {
		t.Fatal(err)
	}
	var wrong struct{ Number, Name int8 }
	err = got[row.Ref].Decode(&wrong)
	want := "decode personal data: it is not of the shape of *struct { Number int8; Name int8 }"
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
	if err := (vault.Plain{}).Decode(&wrong); err == nil {
		t.Error("nothing was decoded into something")
	}
}
