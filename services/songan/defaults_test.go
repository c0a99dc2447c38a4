package songan_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// echoing is what libraries offer that repeats values in answers, logs or messages, and what stands in its place here.
func echoing() map[string]string {
	return map[string]string{
		"huma.Register(":            "its errors carry the value that is wrong; routes are those of httpapi, read by package strict",
		"huma.NewError":             "its errors carry the value that is wrong; refusals are problems with fixed texts",
		"humatest.":                 "serves by huma.Register",
		"watermill.NewStdLogger(":   "prints every field of a message; telemetry.Watermill keeps those that name a thing of the bus",
		"watermill.NewSlogLogger(":  "the same",
		"middleware.PoisonQueue":    "copies the error's text into a message; the quarantine keeps texts without values",
		"middleware.Recoverer":      "keeps the text and the stack of a panic, which may hold values; reactions have their own",
		"message.DefaultNewMessage": "names a message by chance and not by its fact",
		"http.Error(w, err":         "answers with the text of an error",
		"zap.NewDevelopment(":       "logs without redaction",
		"zap.NewProduction(":        "logs without redaction",
		"log.Printf(":               "logs without redaction",
		"slog.Info(":                "logs without redaction",
	}
}

// What our libraries echo by default is not used anywhere but in tests.
func TestNothingIsUsedThatEchoesValues(t *testing.T) {
	t.Parallel()
	files := 0
	for _, root := range []string{"../../libs", "../../services"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			files++
			for line := range strings.Lines(string(source)) {
				if strings.HasPrefix(strings.TrimSpace(line), "//") || strings.Contains(path, "/simulators/") {
					continue
				}
				for call, why := range echoing() {
					if strings.Contains(line, call) {
						t.Errorf("%s uses %s: %s", path, call, why)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const some = 300
	if files < some {
		t.Errorf("only %d files were looked at", files)
	}
}
