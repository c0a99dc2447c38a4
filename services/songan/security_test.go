package songan_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/privacy"
)

const securityPage = "../../docs/security.md"

// Every test and every file that these pages name is there.
func TestThePagesAboutSecurityAndBadInputNameWhatExists(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	for page, some := range map[string]int{securityPage: 40, "../../docs/bad-input.md": 15} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1)
		if len(named) < some {
			t.Errorf("%s names %d tests only", page, len(named))
		}
		for _, name := range named {
			if !tests[name[1]] {
				t.Errorf("%s: there is no test %s", page, name[1])
			}
		}
		files := regexp.MustCompile("`((?:libs|services|docs|tools)/[\\w./-]+)`|\\]\\(([\\w./-]+\\.md)").FindAllStringSubmatch(string(text), -1)
		for _, file := range files {
			path := "../../" + file[1]
			if file[2] != "" {
				path = "../../docs/" + file[2]
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: there is no file %s%s", page, file[1], file[2])
			}
		}
	}
}

// testNames are those of all tests.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	for _, root := range []string{"../../libs", "../../services", "../../events", "../../tools"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
				tests[found[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tests
}

// The tables of classes, terms and deadlines are made of the data that the services work by.
func TestThePageAboutSecurityShowsTheRulesInForce(t *testing.T) {
	t.Parallel()
	rules, err := privacy.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	table, err := privacy.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(securityPage)
	if err != nil {
		t.Fatal(err)
	}
	want := string(have)
	for name, content := range map[string]string{
		"retention": retentionTable(rules), "deadlines": deadlineTable(rules), "classes": classTable(table),
	} {
		begin, end := "<!-- made: "+name+" -->\n", "<!-- end -->"
		head, rest, opens := strings.Cut(want, begin)
		_, tail, closes := strings.Cut(rest, end)
		if !opens || !closes {
			t.Fatalf("the page has no place for %s", name)
		}
		want = head + begin + content + end + tail
	}
	if os.Getenv(pageUpdate) != "" {
		const mode = 0o644
		if err := os.WriteFile(securityPage, []byte(want), mode); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("docs/security.md is not what the rules say; %s=1 writes it (-want +have):\n%s", pageUpdate, diff)
	}
}

func retentionTable(rules privacy.Rules) string {
	var out strings.Builder
	out.WriteString("| service, purpose | class | kept | counts from | on request | legal basis | |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rules.All() {
		class := string(r.Class)
		if r.AlsoSensitive != "" {
			class += "; sensitive: " + r.AlsoSensitive
		}
		fmt.Fprintf(&out, "| %s `%s` | %s | %d months | %s | %s | %s, from %s | %s |\n", r.Service, r.Purpose, class, r.Months,
			strings.ReplaceAll(r.CountsFrom, "_", " "), r.OnRequest, r.LegalBasis, r.ValidFrom, unverified(r.Unverified))
	}
	return out.String()
}

func unverified(is bool) string {
	if is {
		return "unverified"
	}
	return ""
}

func deadlineTable(rules privacy.Rules) string {
	var out strings.Builder
	out.WriteString("| duty | answer | done | legal basis | |\n|---|---|---|---|---|\n")
	for _, d := range rules.Deadlines() {
		answer, done := fmt.Sprintf("%d working days", d.AnswerWorkingDays), fmt.Sprintf("%d days", d.DoneDays)
		if d.DoneHours > 0 {
			answer, done = "", fmt.Sprintf("%d hours", d.DoneHours)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s, from %s | %s |\n", d.Kind, answer, done, d.LegalBasis, d.ValidFrom, unverified(d.Unverified))
	}
	return out.String()
}

func classTable(table privacy.Table) string {
	var out strings.Builder
	out.WriteString("| field | class | who sees it | of a sensitive subject | and with purpose and case |\n|---|---|---|---|---|\n")
	for _, f := range table.Fields() {
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Class, formsOf(f.Usual), formsOf(f.Strict), formsOf(f.Stated))
	}
	return out.String()
}

// formsOf says who sees something, those who see all of it first.
func formsOf(forms map[access.Role]privacy.Form) string {
	var words []string
	for _, form := range []privacy.Form{privacy.Full, privacy.Short, privacy.Tail, privacy.Year} {
		for _, role := range access.Roles() {
			switch {
			case forms[role] != form:
			case form == privacy.Full:
				words = append(words, string(role))
			default:
				words = append(words, fmt.Sprintf("%s (%s)", role, form))
			}
		}
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, ", ")
}
