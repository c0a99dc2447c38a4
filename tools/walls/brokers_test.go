package walls_test

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/tools/walls"
)

func TestTestsThatWantABrokerAreFoundHoweverTheyGetIt(t *testing.T) {
	t.Parallel()
	file := func(source string) *fstest.MapFile { return &fstest.MapFile{Data: []byte("package p\n" + source)} }
	kit := `import "` + ours + `libs/testkit"` + "\n"
	got, err := walls.Brokered(fstest.MapFS{
		"libs/asks/asks_test.go":             file(kit + "var b = testkit.Kafka(nil)"),
		"libs/renames/renames_test.go":       file(`import tk "` + ours + `libs/testkit"` + "\nvar b = tk.Kafka\n"),
		"libs/table/table_test.go":           file(kit + "var b = testkit.Postgres(nil) // not testkit.Kafka(t)"),
		"libs/own/own_test.go":               file(kit + "var b = testkit.NewBroker(nil)"),
		"libs/another/another_test.go":       file(`import testkit "example.com/kafka"` + "\nvar b = testkit.Kafka(nil)"),
		"libs/servicetest/servicetest.go":    file(kit + "func Prepare() { testkit.Kafka(nil) }"),
		"libs/further/further.go":            file(`import _ "` + ours + `libs/servicetest"`),
		"services/through/through_test.go":   file(`import _ "` + ours + `libs/servicetest"`),
		"services/through/through.go":        file(""),
		"services/farther/farther_test.go":   file(`import _ "` + ours + `libs/further"`),
		"services/none/testdata/x_test.go":   file("no Go"),
		".cache/x/x_test.go":                 file("no Go"),
		"services/one/two/three/two_test.go": file(kit + "func f() { testkit.Topic(nil, testkit.Kafka(nil), 1) }"),
	})
	want := []string{"libs/asks", "libs/renames", "services/farther", "services/one/two/three", "services/through"}
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// What make would run is read from make itself.
func TestEveryTestThatWantsABrokerRunsOnRealKafkaToo(t *testing.T) {
	t.Parallel()
	root, err := walls.Root()
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := walls.Brokered(os.DirFS(root))
	if err != nil || !slices.Contains(wanted, "services/disbursement") || !slices.Contains(wanted, "libs/kafkabus") {
		t.Fatalf("looked in the wrong place: found %v, %v", wanted, err)
	}
	make := exec.CommandContext(t.Context(), "make", "--dry-run", "test-kafka")
	make.Dir = root
	said, err := make.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, folder := range wanted {
		if !slices.ContainsFunc(strings.Fields(string(said)), func(word string) bool { return runs(word, folder) }) {
			t.Errorf("make test-kafka leaves out %s", folder)
		}
	}
}

// runs tells whether an argument of "go test" holds the folder.
func runs(argument, folder string) bool {
	below, all := strings.CutSuffix(argument, "/...")
	return path.Clean(argument) == folder || all && strings.HasPrefix(folder+"/", path.Clean(below)+"/")
}
