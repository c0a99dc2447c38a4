package demo

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArgumentsAreRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args Args
		want string
	}{
		"too many facilities":   {Args{Facilities: 2_001}, "--facilities"},
		"negative facilities":   {Args{Facilities: -1}, "--facilities"},
		"too many check-ins":    {Args{CheckIns: 200_001}, "--check-ins"},
		"too many connections":  {Args{Connections: 513}, "--connections"},
		"too many people":       {Args{Beneficiaries: 20_001}, "--beneficiaries"},
		"owing people":          {Args{Beneficiaries: -1}, "--beneficiaries"},
		"too long":              {Args{Over: 2 * time.Hour}, "--over"},
		"backwards":             {Args{Over: -time.Second}, "--over"},
		"a name with blanks":    {Args{Evening: "to night"}, "--run"},
		"a name that is a path": {Args{Evening: "../x"}, "--run"},
		"a name that is long":   {Args{Evening: strings.Repeat("x", 25)}, "--run"},
	} {
		c.args.Data = t.TempDir()
		err := Run(t.Context(), c.args, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 13, 0, 0, 123_000_000, time.UTC)
	got, err := Args{Now: func() time.Time { return now }}.orDefaults()
	if err != nil {
		t.Fatal(err)
	}
	got.Now = nil
	want := Args{
		Data: ".songan", Facilities: 200, CheckIns: 5_000, Evening: "20261121T130000.123", Over: 50 * time.Second, Connections: 32,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestWithoutASystemThereIsNoEvening(t *testing.T) {
	t.Parallel()
	nobody := `{"base_url":"http://127.0.0.1:1","actors":{"admin":{"token":"secret"}}}`
	for name, c := range map[string]struct{ file, want string }{
		"never started":    {"", "start the system first: make run"},
		"not JSON":         {"{", "is not written by this system"},
		"no administrator": {`{"base_url":"http://127.0.0.1:1"}`, "names no address, or no administrator"},
		"stopped":          {nobody, "nobody answers at http://127.0.0.1:1; start the system first: make run"},
	} {
		dir := t.TempDir()
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, "demo.json"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := Run(t.Context(), Args{Data: dir, CheckIns: 10}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
